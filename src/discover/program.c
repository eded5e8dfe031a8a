/* SPDX-License-Identifier: BSD-2-Clause */
/* Which file runs for a name: the search of execvp(3), and the interpreters of scripts. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "discover/open_file.h"

enum {
	INTERPRETER_DEPTH_MAX = 8, /* scripts whose interpreter is a script; the kernel takes 5 */
	SCRIPT_LINE_MAX = 256,	   /* bytes of the "#!" line the kernel looks at */
};

static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int keep_path(const char *path, char **ret)
{
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

/* -EACCES when a file was there but none could be run, as execvp(3) has it. */
static int search_path(const char *name, const char *path_env, char **ret_path)
{
	struct str rest = str_from(path_env ? path_env : "/bin:/usr/bin"), part;
	char path[PATH_MAX];
	int result = -ENOENT, r;
	bool last;

	do {
		/* An empty part, also the last one, is the current folder. */
		int64_t colon = str_find(rest, ':');

		last = colon < 0;
		part = str_make(rest.p, last ? rest.len : (size_t)colon);
		if (!last)
			rest = str_make(rest.p + colon + 1, rest.len - (size_t)colon - 1);
		if (snprintf(path, sizeof(path), "%.*s/%s", STR_FMT(part.len ? part : STR_LIT(".")),
			     name) >= (int)sizeof(path))
			continue;
		r = check_executable(path);
		if (r == 0)
			return keep_path(path, ret_path);
		if (r == -EACCES)
			result = r;
	} while (!last);
	return result;
}

int program_resolve(const char *name, const char *path_env, char **ret_path,
		    struct error *ret_error)
{
	bool has_slash = strchr(name, '/') != NULL;
	struct stat st;
	int r;

	if (!*name)
		return error_set(ret_error, -ENOENT, "the name of the command is empty");
	if (!has_slash) {
		r = search_path(name, path_env, ret_path);
	} else {
		r = check_executable(name);
		if (r == 0)
			r = keep_path(name, ret_path);
	}
	if (r == -ENOENT && !has_slash)
		return error_set(ret_error, r, "%s: command not found in PATH", name);
	if (r == -EACCES && has_slash && stat(name, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(ret_error, r, "%s: is a directory", name);
	if (r == -EACCES)
		return error_set(ret_error, r, "%s: not executable", name);
	if (r < 0)
		return error_set_errno(ret_error, r, "%s", name);
	return 0;
}

/* The next word of `line`; false at its end. */
static bool next_word(struct str *line, struct str *ret)
{
	size_t len = 0;

	*line = str_trim(*line);
	while (len < line->len && line->p[len] != ' ' && line->p[len] != '\t')
		len++;
	*ret = str_make(line->p, len);
	*line = str_make(line->p + len, line->len - len);
	return len > 0;
}

/* The program in "[-S] [-options] [NAME=value …] prog args", what follows "env". */
static bool env_program(struct str args, struct str *ret)
{
	while (next_word(&args, ret)) {
		if (str_starts_with(*ret, STR_LIT("-S")) && ret->len > 2)
			*ret = str_make(ret->p + 2, ret->len - 2);
		if (ret->p[0] != '-' && str_find(*ret, '=') < 0)
			return true;
	}
	return false;
}

/* 1: a script, with the file that interprets it; 0: ELF. */
static int read_script(const char *path, const char *path_env, char **ret, struct error *err)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	CLEANUP_FREE char *name = NULL;
	char head[SCRIPT_LINE_MAX];
	struct str line, word;
	int64_t end;
	ssize_t n;

	if (fd < 0)
		return error_set_errno(err, fd, "cannot read %s", path);
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return error_set_errno(err, -errno, "cannot read %s", path);
	line = str_make(head, (size_t)n);
	if (str_starts_with(line, STR_LIT("\177ELF")))
		return 0;
	if (!str_starts_with(line, STR_LIT("#!")))
		return error_set(err, -ENOEXEC, "%s is neither an ELF program nor a script", path);
	end = str_find(line, '\n');
	line = str_make(line.p + 2, (end < 0 ? line.len : (size_t)end) - 2);
	if (!next_word(&line, &word))
		return error_set(err, -ENOEXEC, "%s: its first line names no interpreter", path);
	if (word.len > 4 && memcmp(word.p + word.len - 4, "/env", 4) == 0)
		env_program(line, &word);
	if (word.len == 0)
		return error_set(err, -ENOEXEC, "%s: its first line names no interpreter", path);
	name = str_dup(word);
	if (!name)
		return error_set_errno(err, -ENOMEM, "cannot read %s", path);
	n = program_resolve(name, path_env, ret, err);
	return n < 0 ? (int)n : 1;
}

int program_interpreter(const char *path, const char *path_env, char **ret_elf,
			struct error *ret_error)
{
	char *current = strdup(path), *next;
	int r = -ENOMEM;

	for (int depth = 0; current && depth < INTERPRETER_DEPTH_MAX; depth++) {
		r = read_script(current, path_env, &next, ret_error);
		if (r == 0) {
			*ret_elf = current;
			return 0;
		}
		free(current);
		if (r < 0)
			return r;
		current = next;
	}
	if (!current)
		return error_set_errno(ret_error, -ENOMEM, "cannot read %s", path);
	free(current);
	return error_set(ret_error, -ELOOP, "%s: too many interpreters in a row", path);
}

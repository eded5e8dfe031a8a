// SPDX-License-Identifier: BSD-2-Clause
#include "c_library.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "discover/elf_file.h"
#include "discover/mapped_file.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"

/* musl's loader is its C library. */
static bool is_c_library(const char *path)
{
	static const char *const beginnings[] = { "libc.so", "libc-2.", "libc.musl-", "ld-musl-" };
	const char *name = path_base(path);

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static int find_functions(int fd, struct elf_function *functions, size_t cnt)
{
	struct elf_file *elf;
	int r = elf_file_open(fd, "the C library", &elf, NULL);

	if (r < 0)
		return r;
	r = elf_file_find_functions(elf, functions, cnt, NULL);
	elf_file_free(elf);
	return r;
}

/*
 * fork() and what is called like it, forkpty() and daemon() come to one of these. vfork() and
 * posix_spawn() do not: their child shares the memory until it executes a program.
 */
int c_library_find_forks(int fd, struct fork_calls *ret)
{
	struct elf_function symbols[FORK_CALL_MAX] = {
		{ .name = "fork" },
		{ .name = "_Fork" },
		{ .name = "clone" },
	};
	int r = find_functions(fd, symbols, FORK_CALL_MAX);

	ret->cnt = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < FORK_CALL_MAX; i++)
		if (symbols[i].found)
			ret->items[ret->cnt++] = (struct fork_call){
				.file_off = symbols[i].file_off,
				.has_flags = !strcmp(symbols[i].name, "clone"),
			};
	return symbols[0].found ? 0 : -ENOENT;
}

/*
 * All others of the exec family, posix_spawn(), system() and popen() come to execve(). fexecve()
 * makes the system call of execveat() itself.
 */
int c_library_find_execs(int fd, struct exec_calls *ret)
{
	static const enum exec_call_kind kinds[EXEC_CALL_MAX] = {
		EXEC_CALL_PATH,
		EXEC_CALL_PATH_AT,
		EXEC_CALL_FD,
	};
	struct elf_function symbols[EXEC_CALL_MAX] = {
		{ .name = "execve" },
		{ .name = "execveat" },
		{ .name = "fexecve" },
	};
	int r = find_functions(fd, symbols, EXEC_CALL_MAX);

	ret->cnt = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < EXEC_CALL_MAX; i++)
		if (symbols[i].found)
			ret->items[ret->cnt++] = (struct exec_call){ symbols[i].file_off,
								     kinds[i] };
	return ret->cnt ? 0 : -ENOENT;
}

static int take_file(int fd, struct c_library *ret)
{
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret = (struct c_library){ .fd = fd, .id = { st.st_dev, st.st_ino } };
	return 0;
}

static int find_in(const char *proc_root, pid_t pid, struct str maps, struct c_library *ret)
{
	struct proc_map m;
	int r;

	while ((r = proc_maps_next(&maps, &m)) != 0) {
		CLEANUP_FREE char *path = NULL;

		if (r < 0 || !m.executable || !m.ino)
			continue;
		path = proc_map_path(&m);
		if (!path)
			return -ENOMEM;
		if (!is_c_library(path))
			continue;
		return take_file(mapped_file_open(proc_root, pid, &m, path), ret);
	}
	return -ENOENT;
}

int c_library_open(const char *proc_root, pid_t pid, struct c_library *ret)
{
	struct buf text;
	int r;

	*ret = (struct c_library){ .fd = -1 };
	r = proc_maps_read(proc_root, pid, &text);
	if (!r)
		r = find_in(proc_root, pid, str_make(text.data, text.len), ret);
	buf_done(&text);
	return r;
}

int c_library_open_program(const char *proc_root, pid_t pid, struct c_library *ret)
{
	char path[PATH_MAX];

	*ret = (struct c_library){ .fd = -1 };
	if (snprintf(path, sizeof(path), "%s/%d/exe", proc_root, (int)pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return take_file(open_regular(path), ret);
}

bool c_library_is_among(const struct c_library *lib, const struct c_library_id *ids, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (ids[i].ino == lib->id.ino && ids[i].dev == lib->id.dev)
			return true;
	return false;
}

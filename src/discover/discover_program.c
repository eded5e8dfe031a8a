/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader's work without the loader: the closure of DT_NEEDED, searched in glibc's order.
 *
 *	1. DT_RPATH of the object that needs the library and of those that loaded it (only of an
 *	   object without DT_RUNPATH)
 *	2. LD_LIBRARY_PATH
 *	3. DT_RUNPATH of the object itself
 *	4. the loader's cache
 *	5. the system's folders
 *
 * Objects form a list that is worked off from the front, each knows who loaded it: no recursion.
 * Where glibc would choose by processor (glibc-hwcaps), all candidates are taken.
 */
#include <errno.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "discover/crypto_library.h"
#include "discover/elf_file.h"
#include "discover/ld_cache.h"
#include "discover/open_file.h"
#include "discover/program.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"

#if defined(__x86_64__)
#define TRIPLET	 "x86_64-linux-gnu"
#define PLATFORM "x86_64"
#else
#define TRIPLET	 "aarch64-linux-gnu"
#define PLATFORM "aarch64"
#endif

enum {
	OBJECT_MAX = 512,	  /* files of one closure */
	FOLDER_ENTRY_MAX = 65536, /* names looked at in one folder */
};

static const char *const system_folders[] = {
	"/lib/" TRIPLET, "/usr/lib/" TRIPLET, "/lib64",		"/usr/lib64",
	"/lib",		 "/usr/lib",	      "/usr/local/lib", /* musl */
};

/* Below every folder that is searched; more than this processor may take. */
static const char *const subfolders[] = {
#if defined(__x86_64__)
	"glibc-hwcaps/x86-64-v4/",
	"glibc-hwcaps/x86-64-v3/",
	"glibc-hwcaps/x86-64-v2/",
#endif
	"",
};

/* What $LIB may stand for; distributions differ. */
static const char *const lib_names[] = { "lib/" TRIPLET, "lib64", "lib" };

#define CNT(array) (sizeof(array) / sizeof((array)[0]))

struct object {
	char *path;
	const struct object *loader; /* NULL: the program, and what LD_PRELOAD names */
	char *rpath;		     /* NULL: none, or DT_RUNPATH takes its place */
	char *runpath;
	dev_t dev;
	ino_t ino;
};

struct walk {
	struct target_list *list;
	struct process_findings *findings;
	struct ld_cache cache; /* all-zero: there is none */
	const char *library_path;
	struct object *objects[OBJECT_MAX];
	size_t object_cnt;
};

static void object_free(struct object *o)
{
	if (!o)
		return;
	free(o->runpath);
	free(o->rpath);
	free(o->path);
	free(o);
}

static int collect_tls(struct walk *w, int fd, const char *path)
{
	struct error e = {};
	int r = tls_library_collect(fd, path, w->list, &e);

	if (r == -ENOMEM)
		return r;
	if (r >= 0) {
		if (r > 0)
			crypto_library_complete_beside(w->list->items[w->list->cnt - 1]);
		w->findings->tls_cnt++;
		return 0;
	}
	log_say(LOG_INFO, "%s", e.text);
	if (w->findings->problem.code == 0)
		w->findings->problem = e;
	return 0;
}

static bool walk_knows(const struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->object_cnt; i++) {
		if (w->objects[i]->dev == st->st_dev && w->objects[i]->ino == st->st_ino)
			return true;
	}
	return false;
}

/* Puts the file into the list, once. 1: it is there; 0: no such file; -ENOMEM. */
static int walk_add(struct walk *w, const char *path, const struct object *loader)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	struct object *o;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (walk_knows(w, &st))
		return 1;
	if (w->object_cnt == OBJECT_MAX)
		return 0;
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->loader = loader;
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	o->path = strdup(path);
	if (!o->path) {
		object_free(o);
		return -ENOMEM;
	}
	w->objects[w->object_cnt++] = o;
	if (w->object_cnt == 1) {
		if (tls_library_collect_program(fd, path, w->list, NULL) >= 0)
			w->findings->tls_cnt++;
		return 1;
	}
	r = process_findings_add(w->findings, path);
	if (r < 0)
		return r;
	r = tls_library_name_matches(path) ? collect_tls(w, fd, path) : 0;
	return r < 0 ? r : 1;
}

/* Is `s` at "$NAME" or "${NAME}"? The length of it, or 0. */
static size_t token_len(const char *s, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(s, "${", 2) == 0 && strncmp(s + 2, name, len) == 0 && s[len + 2] == '}')
		return len + 3;
	if (s[0] == '$' && strncmp(s + 1, name, len) == 0)
		return len + 1;
	return 0;
}

/* Folder of `path`, as $ORIGIN means it: absolute, links resolved. */
static void origin_of(const char *path, char ret[static PATH_MAX])
{
	char *slash;

	if (!realpath(path, ret))
		snprintf(ret, PATH_MAX, "%s", path);
	slash = strrchr(ret, '/');
	if (slash)
		*slash = '\0';
	else
		snprintf(ret, PATH_MAX, ".");
}

/* `in` with the loader's variables replaced. False when it gets too long. */
static bool expand(const char *in, const struct object *o, const char *lib,
		   char ret[static PATH_MAX])
{
	char origin[PATH_MAX];
	size_t len = 0, skip;
	const char *value;

	origin_of(o->path, origin);
	while (*in) {
		if ((skip = token_len(in, "ORIGIN")))
			value = origin;
		else if ((skip = token_len(in, "LIB")))
			value = lib;
		else if ((skip = token_len(in, "PLATFORM")))
			value = PLATFORM;
		else
			value = NULL;
		if (len + (value ? strlen(value) : 1) >= PATH_MAX)
			return false;
		if (value) {
			memcpy(ret + len, value, strlen(value));
			len += strlen(value);
		} else {
			ret[len++] = *in;
		}
		in += value ? skip : 1;
	}
	ret[len] = '\0';
	return true;
}

/* Every known TLS library in a folder: what the program may load by itself later. */
static int scan_folder(struct walk *w, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[PATH_MAX];
	int r = 0;

	if (!dir)
		return 0;
	for (int i = 0; r >= 0 && i < FOLDER_ENTRY_MAX && (entry = readdir(dir)); i++) {
		if (!tls_library_name_matches(entry->d_name))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
		    (int)sizeof(path))
			r = walk_add(w, path, w->object_cnt ? w->objects[0] : NULL);
	}
	closedir(dir);
	return r < 0 ? r : 0;
}

static int search_folder(struct walk *w, const char *folder, const char *name,
			 const struct object *needer)
{
	char path[PATH_MAX];
	int found = 0, r;

	for (size_t i = 0; i < CNT(subfolders); i++) {
		if (snprintf(path, sizeof(path), "%s/%s%s", folder, subfolders[i], name) >=
		    (int)sizeof(path))
			continue;
		r = walk_add(w, path, needer);
		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

/* One folder of a list, for every meaning of $LIB. Without a name: what lies there. */
static int search_part(struct walk *w, const char *part, const char *name,
		       const struct object *needer, const struct object *origin)
{
	bool has_lib = strstr(part, "$LIB") || strstr(part, "${LIB}");
	char folder[PATH_MAX];
	int found = 0, r;

	for (size_t i = 0; !found && i < (has_lib ? CNT(lib_names) : 1); i++) {
		if (!expand(*part ? part : ".", origin, lib_names[i], folder))
			continue;
		r = name ? search_folder(w, folder, name, needer) : scan_folder(w, folder);
		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

/*
 * A list of folders. `seps` is ":" or, for LD_LIBRARY_PATH, ":;"; empty parts are the current
 * folder. 1: found.
 */
static int search_list(struct walk *w, const char *folders, const char *seps, const char *name,
		       const struct object *needer, const struct object *origin)
{
	CLEANUP_FREE char *part = NULL;
	size_t len;
	int r;

	while (folders) {
		len = strcspn(folders, seps);
		free(part);
		part = str_dup(str_make(folders, len));
		if (!part)
			return -ENOMEM;
		r = search_part(w, part, name, needer, origin);
		if (r != 0)
			return r;
		folders = folders[len] ? folders + len + 1 : NULL;
	}
	return 0;
}

static int search_cache(struct walk *w, const char *name, const struct object *needer)
{
	struct ld_cache_entry entry;
	int found = 0, r;
	size_t pos = 0;

	while (ld_cache_next(&w->cache, &pos, &entry)) {
		if (strcmp(entry.name, name) != 0)
			continue;
		r = walk_add(w, entry.path, needer);
		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

static int search_system(struct walk *w, const char *name, const struct object *needer)
{
	int r = search_cache(w, name, needer);

	for (size_t i = 0; r == 0 && i < CNT(system_folders); i++)
		r = search_folder(w, system_folders[i], name, needer);
	return r;
}

static int search_rpaths(struct walk *w, const char *name, const struct object *needer)
{
	const struct object *o = needer;
	int r = 0;

	/* An object's DT_RUNPATH makes the loader pass over all DT_RPATHs. */
	if (needer->runpath)
		return 0;
	for (; r == 0 && o; o = o->loader)
		r = search_list(w, o->rpath, ":", name, needer, o);
	return r;
}

static int find_library(struct walk *w, const char *name, const struct object *needer)
{
	char path[PATH_MAX];
	int r;

	if (strchr(name, '/'))
		return expand(name, needer, lib_names[0], path) ? walk_add(w, path, needer) : 0;
	r = search_rpaths(w, name, needer);
	if (r == 0 && w->library_path)
		r = search_list(w, w->library_path, ":;", name, needer, w->objects[0]);
	if (r == 0)
		r = search_list(w, needer->runpath, ":", name, needer, needer);
	if (r == 0)
		r = search_system(w, name, needer);
	if (r == 0)
		log_say(LOG_DEBUG, "%s needs %s, which was not found", needer->path, name);
	return r;
}

static int take_paths(struct object *o, const struct elf_file *elf)
{
	const char *rpath = elf_file_rpath(elf), *runpath = elf_file_runpath(elf);

	if (runpath)
		o->runpath = strdup(runpath);
	else if (rpath)
		o->rpath = strdup(rpath);
	return (runpath && !o->runpath) || (!runpath && rpath && !o->rpath) ? -ENOMEM : 0;
}

/* Reads one object and adds what it needs. */
static int walk_object(struct walk *w, struct object *o, struct error *err)
{
	CLEANUP_CLOSE int fd = open_regular(o->path);
	struct elf_file *elf = NULL;
	const char *name;
	int r;

	if (fd < 0)
		return error_set_errno(err, fd, "cannot read %s", o->path);
	r = elf_file_open(fd, o->path, &elf, err);
	if (r < 0)
		return r;
	r = take_paths(o, elf);
	for (size_t i = 0; r >= 0 && (name = elf_file_needed(elf, i)); i++)
		r = find_library(w, name, o);
	elf_file_free(elf);
	return r < 0 ? error_set_errno(err, r, "cannot read %s", o->path) : 0;
}

static int walk_preload(struct walk *w, const char *preload)
{
	CLEANUP_FREE char *name = NULL;
	size_t len;
	int r = 0;

	while (r >= 0 && preload && *preload) {
		len = strcspn(preload, ": ");
		free(name);
		name = str_dup(str_make(preload, len));
		if (!name)
			return -ENOMEM;
		if (len > 0)
			r = find_library(w, name, w->objects[0]);
		preload += len + (preload[len] != '\0');
	}
	return r < 0 ? r : 0;
}

/* Folders that the program names: what it opens by itself (dlopen) may lie there. */
static int walk_folders(struct walk *w)
{
	const struct object *program = w->objects[0];
	int r = 0;

	if (w->library_path)
		r = search_list(w, w->library_path, ":;", NULL, program, program);
	if (r >= 0)
		r = search_list(w, program->rpath, ":", NULL, program, program);
	if (r >= 0)
		r = search_list(w, program->runpath, ":", NULL, program, program);
	return r < 0 ? r : 0;
}

static int walk_all(struct walk *w, const char *path, struct error *err)
{
	struct error ignored = {};
	int r = walk_add(w, path, NULL);

	if (r <= 0)
		return error_set_errno(err, r < 0 ? r : -ENOENT, "cannot read %s", path);
	r = walk_object(w, w->objects[0], err);
	if (r < 0)
		return r;
	r = walk_preload(w, getenv("LD_PRELOAD"));
	if (r >= 0)
		r = walk_folders(w);
	for (size_t i = 1; r >= 0 && i < w->object_cnt; i++) {
		r = walk_object(w, w->objects[i], &ignored);
		/* A library that cannot be read is the loader's problem, or none. */
		if (r < 0 && r != -ENOMEM)
			r = 0;
	}
	return r < 0 ? error_set_errno(err, r, "cannot look into %s", path) : 0;
}

int discover_program(const char *path, struct target_list *list, struct process_findings *findings,
		     struct error *ret_error)
{
	struct walk w = { .list = list, .findings = findings };
	CLEANUP_FREE char *elf_path = NULL;
	int r;

	r = program_interpreter(path, getenv("PATH"), &elf_path, ret_error);
	if (r < 0)
		return r;
	process_findings_look_at_program(findings, elf_path, elf_path);
	w.library_path = getenv("LD_LIBRARY_PATH");
	if (w.library_path && !*w.library_path)
		w.library_path = NULL;
	r = ld_cache_read(&w.cache, LD_CACHE_PATH, NULL);
	if (r < 0)
		log_say(LOG_DEBUG, "no loader cache is used: error %d", -r);
	r = walk_all(&w, elf_path, ret_error);
	for (size_t i = 0; i < w.object_cnt; i++)
		object_free(w.objects[i]);
	ld_cache_done(&w.cache);
	return r < 0 ? r : (int)findings->tls_cnt;
}

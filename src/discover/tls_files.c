// SPDX-License-Identifier: BSD-2-Clause
#include "tls_files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "discover/crypto_library.h"
#include "discover/mapped_file.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/tls_library.h"
#include "model/target.h"

enum {
	PROCESS_FILE_MAX = 1024, /* distinct executable files of one process */
};

void tls_file_cache_init(struct tls_file_cache *c)
{
	*c = (struct tls_file_cache){ 0 };
	target_list_init(&c->targets);
}

void tls_file_cache_done(struct tls_file_cache *c)
{
	for (size_t i = 0; i < c->cnt; i++) {
		free(c->items[i]->path);
		free(c->items[i]);
	}
	free(c->items);
	target_list_done(&c->targets);
	*c = (struct tls_file_cache){ 0 };
}

static struct tls_file *find(const struct tls_file_cache *c, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < c->cnt; i++)
		if (c->items[i]->ino == ino && c->items[i]->dev == dev)
			return c->items[i];
	return NULL;
}

static struct tls_file *add(struct tls_file_cache *c, const struct stat *st, const char *path)
{
	struct tls_file *f, **more;

	if (c->cnt == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;

		more = realloc(c->items, cap * sizeof(struct tls_file *));
		if (!more)
			return NULL;
		c->items = more;
		c->cap = cap;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->path = strdup(path);
	if (!f->path) {
		free(f);
		return NULL;
	}
	c->items[c->cnt++] = f;
	return f;
}

/* `ret_is_program`: it can be run, and is not only a library. */
static void read_elf(struct tls_file *f, int fd, bool *ret_is_program)
{
	const uint8_t *id = NULL;
	struct elf_file *elf;
	size_t len;

	if (elf_file_open_foreign(fd, f->path, &elf, NULL) < 0)
		return;
	f->is_static = elf_file_is_static(elf);
	*ret_is_program = f->is_static || elf_file_interpreter(elf);
	len = elf_file_build_id(elf, &id);
	for (size_t i = 0; i < len; i++)
		snprintf(f->build_id + 2 * i, 3, "%02x", id[i]);
	elf_file_free(elf);
}

static void examine_known(struct tls_file_cache *c, struct tls_file *f, int fd)
{
	struct error err = { 0 };

	f->project = f->project ? f->project : target_kind_name(TARGET_OPENSSL);
	if (tls_library_collect(fd, f->path, &c->targets, &err) < 0) {
		f->support = TLS_SUPPORT_UNREADABLE;
		memcpy(f->problem, err.text, sizeof(f->problem));
		return;
	}
	f->target = target_list_find(&c->targets, f->dev, f->ino);
	f->support = f->target ? TLS_SUPPORT_PROBED : TLS_SUPPORT_UNREADABLE;
}

/* Its symbols may tell where the functions are. */
static void examine_program(struct tls_file_cache *c, struct tls_file *f, int fd)
{
	if (tls_library_collect_program(fd, f->path, &c->targets, NULL) < 0)
		return;
	f->target = target_list_find(&c->targets, f->dev, f->ino);
	if (f->target)
		f->support = TLS_SUPPORT_PROBED;
}

static void examine(struct tls_file_cache *c, struct tls_file *f, int fd)
{
	const char *unsupported = tls_library_unsupported(f->path);
	bool known = tls_library_name_matches(f->path);
	struct tls_marks marks = { 0 };
	bool is_program = false;

	tls_marks_read(fd, known || unsupported || crypto_library_name_matches(f->path), &marks);
	f->project = marks.project;
	snprintf(f->version, sizeof(f->version), "%s", marks.version);
	/* NSS comes in several files, of which one has TLS; what else is called so needs none. */
	if (unsupported && (marks.has_tls || strcmp(unsupported, "NSS") != 0)) {
		f->support = TLS_SUPPORT_NOT_KNOWN;
		f->project = unsupported;
	} else if (marks.has_tls && !known) {
		f->support = TLS_SUPPORT_BUILT_IN;
	}
	if (known || f->support != TLS_SUPPORT_NONE)
		read_elf(f, fd, &is_program);
	if (known)
		examine_known(c, f, fd);
	else if (f->support == TLS_SUPPORT_BUILT_IN && is_program)
		examine_program(c, f, fd);
}

const struct tls_file *tls_file_look(struct tls_file_cache *c, int fd, const char *path)
{
	struct tls_file *f;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	f = find(c, st.st_dev, st.st_ino);
	if (f)
		return f;
	f = add(c, &st, path);
	if (f)
		examine(c, f, fd);
	return f;
}

/* What is known of one process while its maps are read. */
struct look {
	struct tls_file_cache *cache;
	const char *proc_root;
	pid_t pid;
	struct tls_uses *uses;
	const struct tls_file *crypto;
	uint64_t seen[PROCESS_FILE_MAX]; /* inodes: different files of one number are few */
	unsigned seen_dev[PROCESS_FILE_MAX][2];
	size_t seen_cnt;
};

static bool note_file(struct look *l, const struct proc_map *m)
{
	for (size_t i = 0; i < l->seen_cnt; i++)
		if (l->seen[i] == m->ino && l->seen_dev[i][0] == m->dev_major &&
		    l->seen_dev[i][1] == m->dev_minor)
			return false;
	if (l->seen_cnt == PROCESS_FILE_MAX)
		return false;
	l->seen[l->seen_cnt] = m->ino;
	l->seen_dev[l->seen_cnt][0] = m->dev_major;
	l->seen_dev[l->seen_cnt++][1] = m->dev_minor;
	return true;
}

static void note_use(struct tls_uses *u, const struct tls_file *f)
{
	if (f->support == TLS_SUPPORT_NONE || u->cnt == TLS_USE_MAX)
		return;
	u->items[u->cnt].file = f;
	snprintf(u->items[u->cnt++].version, TLS_VERSION_MAX, "%s", f->version);
}

static int look_at_map(struct look *l, const struct proc_map *m)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	const struct tls_file *f;

	if (!m->executable || !m->ino || !m->path.len || m->path.p[0] != '/' || !note_file(l, m))
		return 0;
	path = proc_map_path(m);
	if (!path)
		return -ENOMEM;
	fd = mapped_file_open(l->proc_root, l->pid, m, path);
	f = fd < 0 ? NULL : tls_file_look(l->cache, fd, path);
	if (!f) {
		l->uses->unreadable_cnt++;
		return 0;
	}
	if (crypto_library_name_matches(path))
		l->crypto = f;
	note_use(l->uses, f);
	return 0;
}

static void look_at_program(struct look *l)
{
	char path[PATH_MAX];
	struct elf_file *elf;

	snprintf(path, sizeof(path), "%s/%d/exe", l->proc_root, (int)l->pid);
	CLEANUP_CLOSE int fd = open_regular(path);

	if (fd < 0 || elf_file_open_foreign(fd, path, &elf, NULL) < 0)
		return;
	l->uses->is_static = elf_file_is_static(elf);
	elf_file_free(elf);
}

/* libssl has no version of its own; it is built and shipped with its libcrypto. */
static void take_version_of_crypto(struct look *l)
{
	for (size_t i = 0; i < l->uses->cnt; i++) {
		struct tls_use *u = &l->uses->items[i];
		const char *needs = u->file->target ? u->file->target->crypto : "";
		const char *name = l->crypto ? path_base(l->crypto->path) : "";

		if (!u->version[0] && needs[0] && !strncmp(name, needs, strlen(needs)))
			snprintf(u->version, sizeof(u->version), "%s", l->crypto->version);
	}
}

static int look_at_maps(struct look *l, struct str text)
{
	struct proc_map m;
	int r;

	l->uses->maps_nothing = !text.len;
	while ((r = proc_maps_next(&text, &m)) != 0) {
		r = r < 0 ? 0 : look_at_map(l, &m);
		if (r < 0)
			return r;
	}
	return 0;
}

int tls_files_of(struct tls_file_cache *c, const char *proc_root, pid_t pid, struct tls_uses *ret,
		 struct error *ret_error)
{
	CLEANUP_FREE struct look *l = calloc(1, sizeof(*l));
	struct buf text;
	int r;

	if (!l)
		return error_set_errno(ret_error, -ENOMEM, "cannot look into process %d", (int)pid);
	*ret = (struct tls_uses){ 0 };
	*l = (struct look){ .cache = c, .proc_root = proc_root, .pid = pid, .uses = ret };
	r = proc_maps_read(proc_root, pid, &text);
	if (!r)
		r = look_at_maps(l, str_make(text.data, text.len));
	buf_done(&text);
	if (r == -ENOENT || r == -ESRCH)
		return error_set(ret_error, -ESRCH, "there is no process %d (or it has just ended)",
				 (int)pid);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot look into process %d", (int)pid);
	look_at_program(l);
	take_version_of_crypto(l);
	return 0;
}

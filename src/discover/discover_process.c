/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "discover/crypto_library.h"
#include "discover/mapped_file.h"
#include "discover/open_file.h"
#include "discover/proc_maps.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"

enum {
	SEEN_MAX = 4096, /* distinct executable files of one process */
	CRYPTO_MAX = 8,	 /* of these, libcryptos that are looked at */
};

struct seen_file {
	unsigned dev_major, dev_minor;
	uint64_t ino;
};

struct scan {
	const char *proc_root;
	pid_t pid;
	struct target_list *list;
	struct process_findings *findings;
	struct seen_file *seen;
	size_t seen_cnt;
	/* Kept until all TLS libraries are known. */
	int crypto_fds[CRYPTO_MAX];
	size_t crypto_cnt;
	bool is_quiet;
};

/* True the first time. */
static bool scan_note_file(struct scan *s, const struct proc_map *m)
{
	for (size_t i = 0; i < s->seen_cnt; i++) {
		if (s->seen[i].ino == m->ino && s->seen[i].dev_major == m->dev_major &&
		    s->seen[i].dev_minor == m->dev_minor)
			return false;
	}
	if (s->seen_cnt < SEEN_MAX)
		s->seen[s->seen_cnt++] = (struct seen_file){ m->dev_major, m->dev_minor, m->ino };
	return true;
}

static void note_problem(const struct scan *s, const struct error *e)
{
	if (s->is_quiet)
		return;
	log_say(LOG_INFO, "%s", e->text);
	if (s->findings->problem.code == 0)
		s->findings->problem = *e;
}

static int collect_mapped(struct scan *s, const struct proc_map *m, const char *path)
{
	CLEANUP_CLOSE int fd = mapped_file_open(s->proc_root, s->pid, m, path);
	struct error e = {};
	int r;

	if (fd == -ENOMEM)
		return fd;
	if (fd == -ESTALE) {
		error_set(&e, fd,
			  "%s of process %d was replaced on disk; restart the program, or run "
			  "plaintap with more rights, to probe the old one",
			  path, (int)s->pid);
		note_problem(s, &e);
		return 0;
	}
	if (fd < 0) {
		error_set_errno(&e, fd, "cannot open %s of process %d", path, (int)s->pid);
		note_problem(s, &e);
		return 0;
	}
	r = tls_library_collect(fd, path, s->list, &e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		note_problem(s, &e);
	else
		s->findings->tls_cnt++;
	return 0;
}

/* The very file that is mapped: one of the same name may have replaced it. */
static void keep_crypto(struct scan *s, const struct proc_map *m, const char *path)
{
	int fd = s->crypto_cnt < CRYPTO_MAX ? mapped_file_open(s->proc_root, s->pid, m, path) : -1;

	if (fd >= 0)
		s->crypto_fds[s->crypto_cnt++] = fd;
}

static int scan_map(struct scan *s, const struct proc_map *m)
{
	CLEANUP_FREE char *path = NULL;
	int r;

	if (!m->executable || m->ino == 0 || m->path.len == 0 || m->path.p[0] != '/')
		return 0;
	if (!scan_note_file(s, m))
		return 0;
	path = proc_map_path(m);
	if (!path)
		return -ENOMEM;
	if (s->findings->program && strcmp(s->findings->program, path) == 0)
		return 0;
	r = process_findings_add(s->findings, path);
	if (r < 0)
		return r;
	if (crypto_library_name_matches(path))
		keep_crypto(s, m, path);
	return tls_library_name_matches(path) ? collect_mapped(s, m, path) : 0;
}

static void complete_targets(struct scan *s)
{
	for (size_t i = 0; i < s->crypto_cnt; i++) {
		crypto_library_complete(s->crypto_fds[i], "libcrypto", s->list);
		close(s->crypto_fds[i]);
	}
	s->crypto_cnt = 0;
}

/* Most programs have no library inside. */
static void collect_program(const struct scan *s, const char *link, const char *path)
{
	CLEANUP_CLOSE int fd = open_regular(link);

	if (fd >= 0 && tls_library_collect_program(fd, path, s->list, NULL) >= 0)
		s->findings->tls_cnt++;
}

static void look_at_executable(const struct scan *s)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *suffix = " (deleted)";
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%d/exe", s->proc_root, (int)s->pid);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	if ((size_t)n > strlen(suffix) && strcmp(target + n - strlen(suffix), suffix) == 0)
		target[(size_t)n - strlen(suffix)] = '\0';
	process_findings_look_at_program(s->findings, link, target);
	collect_program(s, link, target);
}

/* The main thread ended: there is no memory left to look at. */
static bool has_ended(const struct scan *s)
{
	char path[PATH_MAX];
	const char *state;
	struct buf b;
	bool ended;

	buf_init(&b, 65536);
	snprintf(path, sizeof(path), "%s/%d/stat", s->proc_root, (int)s->pid);
	if (read_file(path, &b) < 0 || buf_append_byte(&b, 0) < 0) {
		buf_done(&b);
		return true;
	}
	state = strrchr((char *)b.data, ')');
	ended = !state || (state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X'));
	buf_done(&b);
	return ended;
}

static int scan_maps_text(struct scan *s, struct str text, struct error *err)
{
	struct proc_map m;
	int r;

	while ((r = proc_maps_next(&text, &m)) != 0) {
		r = r < 0 ? r : scan_map(s, &m);
		if (r == -EBADMSG)
			log_say(LOG_DEBUG, "a line of the maps of process %d is not understood",
				(int)s->pid);
		else if (r < 0)
			return error_set_errno(err, r, "cannot look into process %d", (int)s->pid);
	}
	return 0;
}

static int scan_maps(struct scan *s, struct error *ret_error)
{
	struct buf text;
	int r;

	s->seen = calloc(SEEN_MAX, sizeof(*s->seen));
	if (!s->seen)
		return error_set_errno(ret_error, -ENOMEM, "cannot look into process %d",
				       (int)s->pid);
	r = proc_maps_read(s->proc_root, s->pid, &text);
	if (r == -ENOENT || r == -ESRCH || (r == 0 && text.len == 0 && has_ended(s)))
		r = error_set(ret_error, -ESRCH, "there is no process %d (or it has just ended)",
			      (int)s->pid);
	else if (r < 0)
		r = error_set_errno(ret_error, r, "cannot read %s/%d/maps", s->proc_root,
				    (int)s->pid);
	else
		r = scan_maps_text(s, str_make(text.data, text.len), ret_error);
	complete_targets(s);
	free(s->seen);
	buf_done(&text);
	return r;
}

int discover_process_at(const char *proc_root, pid_t pid, struct target_list *list,
			struct process_findings *findings, struct error *ret_error)
{
	struct scan s = { .proc_root = proc_root, .pid = pid, .list = list, .findings = findings };
	int r;

	look_at_executable(&s);
	r = scan_maps(&s, ret_error);
	return r < 0 ? r : (int)findings->tls_cnt;
}

void discover_mapped_libraries(pid_t pid, struct target_list *list)
{
	struct process_findings findings;
	struct scan s = { "/proc", pid, list, &findings, .is_quiet = true };

	process_findings_init(&findings);
	scan_maps(&s, NULL);
	process_findings_done(&findings);
}

int discover_process(pid_t pid, struct target_list *list, struct process_findings *findings,
		     struct error *ret_error)
{
	return discover_process_at("/proc", pid, list, findings, ret_error);
}

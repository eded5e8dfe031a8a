// SPDX-License-Identifier: BSD-2-Clause
#include "execs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "base/log.h"
#include "collect/collect.h"
#include "discover/elf_file.h"
#include "discover/exec_file.h"
#include "loaders.h"
#include "now.h"
#include "state.h"
#include "targets.h"

static void probe_calls(struct app *a, const struct c_library *lib)
{
	struct execs *x = &a->execs;
	struct exec_calls calls;
	int r;

	if (c_library_is_among(lib, x->libraries, x->library_cnt) ||
	    x->library_cnt == EXEC_LIBRARY_MAX)
		return;
	r = c_library_find_execs(lib->fd, &calls);
	/* Static programs that lack it would fill the list. */
	if (r == -ENOENT)
		return;
	if (!r)
		r = kernel_side_probe_execs(a->kernel, lib->fd, calls.items, calls.cnt);
	if (r < 0)
		log_say(LOG_INFO, "a C library cannot be probed where it executes programs: %s",
			strerror(-r));
	x->libraries[x->library_cnt++] = lib->id;
}

void execs_see_process(struct app *a, pid_t thread)
{
	struct c_library lib;
	int r;

	if (!kernel_side_holds(a->kernel) || !kernel_side_sees_loading(a->kernel))
		return;
	r = c_library_open("/proc", thread, &lib);
	if (r == -ENOENT)
		r = c_library_open_program("/proc", thread, &lib);
	if (!r)
		probe_calls(a, &lib);
	if (lib.fd >= 0)
		close(lib.fd);
}

/* Whatever is done to a file changes that time. */
static uint64_t changed_ns(const struct stat *st)
{
	return (uint64_t)st->st_ctim.tv_sec * UINT64_C(1000000000) + (uint64_t)st->st_ctim.tv_nsec;
}

static bool is_known(const struct exec_known *k, const struct stat *st)
{
	return k->ino == st->st_ino && k->dev == st->st_dev && k->changed_ns == changed_ns(st);
}

static struct exec_known *slot_of(struct execs *x, const struct stat *st)
{
	return &x->known[(st->st_ino ^ st->st_dev) % EXEC_KNOWN_CNT];
}

/* False: what is loaded through it will not be told. */
static bool see_loader(struct app *a, pid_t thread, const char *interpreter)
{
	return loaders_see_file(a, exec_file_open("/proc", thread, AT_FDCWD, interpreter));
}

/* It may be a loader itself, that is executed like a program; and it may execute others. */
static void see_own_code(struct app *a, int fd, const struct stat *st)
{
	const struct c_library own = { fd, { st->st_dev, st->st_ino } };

	loaders_see_file(a, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	probe_calls(a, &own);
}

static void examine(struct app *a, const struct load_event *e, const struct exec_file *f,
		    const struct stat *st)
{
	struct exec_known *k = slot_of(&a->execs, st);
	struct elf_file *elf;
	const char *interpreter;
	bool is_told = false;

	*k = (struct exec_known){ st->st_dev, st->st_ino, changed_ns(st), "" };
	if (elf_file_open(f->fd, f->path, &elf, NULL) < 0)
		return;
	interpreter = elf_file_interpreter(elf);
	if (!interpreter)
		see_own_code(a, f->fd, st);
	else if (snprintf(k->interpreter, sizeof(k->interpreter), "%s", interpreter) >=
		 (int)sizeof(k->interpreter))
		k->ino = 0;
	if (interpreter)
		is_told = see_loader(a, e->tid, interpreter);
	elf_file_free(elf);
	if (!is_told)
		targets_probe_program(a, f->fd, f->path, e->pid);
}

static void look_at_program(struct app *a, const struct load_event *e, const struct exec_file *f)
{
	const struct exec_known *k;
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return;
	k = slot_of(&a->execs, &st);
	if (!is_known(k, &st))
		examine(a, e, f, &st);
	else if (k->interpreter[0])
		see_loader(a, e->tid, k->interpreter);
}

void execs_look(struct app *a, const struct load_event *e)
{
	char path[PATH_MAX] = "";
	struct exec_file f;

	if (e->path_addr && exec_file_read_path(e->tid, e->path_addr, path) < 0)
		return;
	if (exec_file_open_program("/proc", e->tid, e->dir_fd, path, &f) < 0)
		return;
	look_at_program(a, e, &f);
	close(f.fd);
}

void execs_let_go(struct app *a, const struct load_event *e)
{
	struct execs *x = &a->execs;

	if (!e->is_held)
		return;
	loaders_release(a, e);
	wait_times_note(&x->waits, app_now_ns() - e->monotonic_ns);
}

void execs_say_waits(struct app *a)
{
	struct wait_times *w = &a->execs.waits;
	double median_ms, max_ms;

	if (wait_times_tell(w, &median_ms, &max_ms))
		log_say(LOG_INFO,
			"%zu times a program waited before it executed one with nothing to probe, or "
			"known: %.2f ms in the median, %.2f ms at most",
			w->cnt, median_ms, max_ms);
}

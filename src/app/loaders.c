// SPDX-License-Identifier: BSD-2-Clause
#include "loaders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "collect/collect.h"
#include "discover/loader.h"
#include "now.h"
#include "state.h"

static const struct loader_file *find(const struct loader_file *files, size_t cnt,
				      const struct stat *st)
{
	for (size_t i = 0; i < cnt; i++)
		if (files[i].ino == st->st_ino && files[i].dev == st->st_dev)
			return &files[i];
	return NULL;
}

static int probe(struct app *a, int fd)
{
	struct loader_hook hook;
	struct error err = { 0 };
	int r = loader_find_hook(fd, &hook, &err);

	if (r < 0) {
		log_say(LOG_INFO, "a loader cannot be probed: %s", err.text);
		return r;
	}
	r = kernel_side_probe_loader(a->kernel, fd, &hook);
	if (r < 0)
		log_say(LOG_INFO, "the kernel refuses a probe in a loader: %s", strerror(-r));
	return r;
}

bool loaders_see_file(struct app *a, int loader_fd)
{
	CLEANUP_CLOSE int fd = loader_fd;
	struct loaders *l = &a->loaders;
	const struct loader_file *known;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	known = find(l->files, l->file_cnt, &st);
	if (known)
		return known->is_probed;
	if (l->file_cnt == LOADER_MAX)
		return false;
	l->files[l->file_cnt] = (struct loader_file){ st.st_dev, st.st_ino, probe(a, fd) == 0 };
	return l->files[l->file_cnt++].is_probed;
}

int loaders_see_process(struct app *a, pid_t pid)
{
	struct loaders *l = &a->loaders;
	const struct loader_file *known;
	struct stat st;
	char path[64];
	bool is_seen;
	int fd;

	if (!kernel_side_sees_loading(a->kernel))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : 0;
	known = find(l->programs,
		     l->program_cnt < LOADER_PROGRAM_MAX ? l->program_cnt : LOADER_PROGRAM_MAX,
		     &st);
	if (known)
		return known->is_probed;
	fd = loader_open_of_process("/proc", pid);
	/* Its end says nothing of its program. */
	if (fd < 0 && stat(path, &st) < 0)
		return -ESRCH;
	is_seen = loaders_see_file(a, fd);
	l->programs[l->program_cnt++ % LOADER_PROGRAM_MAX] =
		(struct loader_file){ st.st_dev, st.st_ino, is_seen };
	return is_seen;
}

void loaders_see_program(struct app *a, const char *program)
{
	a->loaders.sees_named = kernel_side_sees_loading(a->kernel) &&
				loaders_see_file(a, loader_open_of_program(program));
}

void loaders_see_own(struct app *a)
{
	loaders_see_process(a, getpid());
}

static void note_wait(struct app *a, const struct load_event *e)
{
	struct loaders *l = &a->loaders;
	uint64_t ns = app_now_ns() - e->monotonic_ns;

	if (e->kind == LOAD_BEFORE_FORK) {
		l->fork_cnt++;
		l->fork_ns += ns;
		return;
	}
	wait_times_note(&l->holds, ns);
	a->pipeline.counters.load.holds++;
	a->pipeline.counters.load.hold_ns += ns;
	log_say(LOG_INFO, "process %d waited for %.1f ms: %u files were new", (int)e->pid,
		(double)ns / 1e6, e->file_cnt);
}

void loaders_release(struct app *a, const struct load_event *e)
{
	if (e->is_parked)
		kernel_side_let_go_parked(a->kernel, e->pid, e->tid, e->monotonic_ns);
	else
		kernel_side_let_go(a->kernel, e->pid, e->tid, e->monotonic_ns);
}

void loaders_let_go(struct app *a, const struct load_event *e)
{
	if (!e->is_held)
		return;
	loaders_release(a, e);
	note_wait(a, e);
}

void loaders_say_holds(struct app *a)
{
	struct loaders *l = &a->loaders;
	uint64_t in_vain = kernel_side_control(a->kernel)->held_in_vain;
	double median_ms, max_ms;

	a->pipeline.counters.load.holds_in_vain = in_vain;
	if (in_vain)
		log_say(LOG_WARNING,
			"%" PRIu64
			" times a program went on before plaintap had looked at what it had loaded: "
			"its first words may be missing",
			in_vain);
	if (l->fork_cnt)
		log_say(LOG_INFO,
			"%" PRIu64
			" times a fork waited until its child would be seen: %.1f ms in all",
			l->fork_cnt, (double)l->fork_ns / 1e6);
	if (wait_times_tell(&l->holds, &median_ms, &max_ms))
		log_say(LOG_INFO,
			"%zu times a program waited for plaintap to look at new files: %.1f ms in the "
			"median, %.1f ms at most",
			l->holds.cnt, median_ms, max_ms);
}

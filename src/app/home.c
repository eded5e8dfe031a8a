// SPDX-License-Identifier: BSD-2-Clause
#include "home.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "base/log.h"
#include "discover/mapped_targets.h"
#include "discover/process_tree.h"
#include "loaders.h"
#include "model/target.h"
#include "state.h"

bool home_is(const struct app *a, pid_t pid)
{
	const struct capture_control *c = kernel_side_control(a->kernel);

	return a->home.is_on && c->home == (uint32_t)pid && c->home_plants;
}

uint32_t home_loads(struct app *a)
{
	return __atomic_load_n(&kernel_side_control(a->kernel)->home_loads, __ATOMIC_SEQ_CST);
}

/* Nothing that was loaded before `loads` was read is in home only. */
static void set_checked(struct app *a, uint32_t loads)
{
	__atomic_store_n(&kernel_side_control(a->kernel)->home_checked, loads, __ATOMIC_SEQ_CST);
}

static void widen(struct app *a, const struct target *t, const char *why)
{
	int r;

	if (!kernel_side_is_near(a->kernel, t))
		return;
	r = kernel_side_widen(a->kernel, t);
	if (r < 0)
		log_say(LOG_WARNING,
			"%s: cannot be probed in other processes than %d (%s): what its children "
			"say through it is not seen",
			t->path, (int)a->home.pid, strerror(-r));
	else
		log_say(LOG_INFO, "%s is probed in every process from now on: %s", t->path, why);
}

static void widen_all(struct app *a, const char *why)
{
	for (size_t i = 0; i < a->targets.cnt; i++)
		widen(a, a->targets.items[i], why);
}

/* All, if it cannot be told which. */
static void widen_mapped(struct app *a, pid_t thread, const char *why)
{
	bool is_mapped[TARGET_LIST_MAX];

	if (discover_mapped_targets("/proc", thread, &a->targets, is_mapped) < 0) {
		widen_all(a, why);
		return;
	}
	for (size_t i = 0; i < a->targets.cnt; i++)
		if (is_mapped[i])
			widen(a, a->targets.items[i], why);
}

void home_give_up(struct app *a, const char *why)
{
	if (!a->home.is_on)
		return;
	kernel_side_leave_home(a->kernel);
	widen_all(a, why);
	a->home.is_on = false;
}

static int probe_calls(struct app *a, const struct c_library *lib)
{
	struct home *h = &a->home;
	struct fork_calls calls;
	int r = -ENOBUFS;

	if (h->library_cnt < HOME_LIBRARY_MAX)
		r = c_library_find_forks(lib->fd, &calls);
	if (!r)
		r = kernel_side_probe_forks(a->kernel, lib->fd, calls.items, calls.cnt);
	if (r < 0)
		return r;
	h->libraries[h->library_cnt++] = lib->id;
	return 0;
}

static int see_forks(struct app *a, pid_t thread)
{
	struct c_library lib;
	int r = c_library_open("/proc", thread, &lib);

	if (r < 0)
		return r;
	if (!c_library_is_among(&lib, a->home.libraries, a->home.library_cnt))
		r = probe_calls(a, &lib);
	close(lib.fd);
	return r;
}

static bool has_children(pid_t pid)
{
	struct process_tree tree;
	bool found;

	if (process_tree_read(&tree, "/proc") < 0)
		return true;
	found = process_tree_has_children(&tree, pid);
	process_tree_done(&tree);
	return found;
}

/* The only process that is named; 0: none, or several. */
static pid_t named_process(const struct app *a)
{
	if (a->opt->command)
		return a->opt->pid_cnt ? 0 : a->command.pid;
	return a->opt->pid_cnt == 1 ? a->opt->pids[0] : 0;
}

bool home_is_possible(struct app *a)
{
	return named_process(a) && !a->opt->no_children && a->loaders.sees_named &&
	       kernel_side_can_have_home(a->kernel);
}

/*
 * A command has not begun to run: its forks are probed when it has loaded its C library. A running
 * process might have forked until just now.
 */
void home_choose(struct app *a)
{
	pid_t pid = named_process(a);

	a->home.is_on = true;
	a->home.pid = pid;
	kernel_side_set_home(a->kernel, pid);
	if (!a->opt->command && (see_forks(a, pid) < 0 || has_children(pid)))
		home_give_up(a, "");
}

/* Has it mapped anything whose probes are in home only? Yes also if it cannot be told. */
static bool has_near(struct app *a, pid_t thread)
{
	bool is_mapped[TARGET_LIST_MAX];

	if (discover_mapped_targets("/proc", thread, &a->targets, is_mapped) < 0)
		return true;
	for (size_t i = 0; i < a->targets.cnt; i++)
		if (is_mapped[i] && kernel_side_is_near(a->kernel, a->targets.items[i]))
			return true;
	return false;
}

void home_was_looked_at(struct app *a, pid_t thread, uint32_t loads)
{
	if (see_forks(a, thread) < 0)
		home_give_up(a, "the forks of the named process cannot be seen");
	else if (!has_near(a, thread))
		set_checked(a, loads);
}

void home_other_was_looked_at(struct app *a, pid_t thread)
{
	if (a->home.is_on)
		widen_mapped(a, thread, "another watched process has it");
}

void home_forks(struct app *a, pid_t thread)
{
	uint32_t loads = home_loads(a);

	if (a->home.is_on)
		widen_mapped(a, thread, "the named process forks");
	set_checked(a, loads);
}

void home_has_forked(struct app *a, pid_t child)
{
	if (!a->home.is_on || !has_near(a, child))
		return;
	log_say(LOG_WARNING,
		"process %d was forked before its probes were in place: its first words may be "
		"missing",
		(int)child);
	home_give_up(a, "the named process has forked");
}

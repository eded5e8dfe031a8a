/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which processes are looked at: those in `watched`, or all, or, with filters, those that are let
 * in. A process is judged when it executes a program or, if it has not been by then, when it first
 * runs into a probe: later than the fork, as many a server becomes another user in between. The
 * verdict is kept with its pid.
 */
#ifndef PLAINTAP_BPF_WATCH_H
#define PLAINTAP_BPF_WATCH_H

#include "filter.bpf.h"
#include "maps.bpf.h"

static __always_inline bool watches_all_unfiltered(const struct capture_control *c)
{
	return c->watch_all && !c->filters;
}

/* Judges the running process; `told`: WATCH_TOLD if user space has heard of it. */
static __always_inline u32 watch_judge(const struct capture_control *c, u32 pid, u32 told)
{
	u32 state = WATCH_JUDGED | told;

	if (filters_let_in(c->filters))
		state |= WATCH_IN | WATCH_TOLD;
	/* No room: judged again each time. */
	bpf_map_update_elem(&watched, &pid, &state, BPF_ANY);
	return state;
}

/* Set of enum watch_state of the running process. */
static __always_inline u32 watch_look(const struct capture_control *c, u32 pid)
{
	u32 *state = bpf_map_lookup_elem(&watched, &pid);

	if (state && *state & WATCH_JUDGED)
		return *state;
	if (!state && !c->watch_all)
		return 0;
	return watch_judge(c, pid, state ? *state & WATCH_TOLD : 0);
}

/* `fixed`: states whose verdict counts; `changes`: traits that do not. */
static __always_inline bool may_be_watched(u32 pid, u32 fixed, u32 changes)
{
	struct capture_control *c = control_get();
	u32 *state;

	if (!c)
		return false;
	if (watches_all_unfiltered(c))
		return pid != c->self_pid;
	state = bpf_map_lookup_elem(&watched, &pid);
	if (state && *state & fixed)
		return *state & WATCH_IN;
	return (state || c->watch_all) && filters_let_in(c->filters & ~changes);
}

/*
 * The same without a verdict that is kept: where a process is met that may still become another
 * user.
 */
static __always_inline bool process_may_be_watched(u32 pid)
{
	return may_be_watched(pid, WATCH_JUDGED, 0);
}

/*
 * The same of the program that the process is about to execute: what it is called, and its file,
 * are then others.
 */
static __always_inline bool program_may_be_watched(u32 pid)
{
	return may_be_watched(pid, WATCH_FIXED,
			      FILTERS_ASK_FOR(TRAIT_COMM) | FILTERS_ASK_FOR(TRAIT_EXE));
}

/* Of the running process. */
static __always_inline bool process_is_watched(u32 pid)
{
	struct capture_control *c = control_get();

	if (!c)
		return false;
	if (watches_all_unfiltered(c))
		return pid != c->self_pid;
	return watch_look(c, pid) & WATCH_IN;
}

#endif

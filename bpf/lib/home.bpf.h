/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * "Home" is the one process that was named, while no other needs probes: these are in it alone, so
 * that others who map the same file pay nothing. Before another watched process can reach them they
 * are placed everywhere else too ("widened", by user space), and a thread waits for it:
 *
 *   - one that has loaded a file whose probes are in home only (load.bpf.h asks home_lacks());
 *   - one of home that is about to fork, as the child has what its parent has (home_see_fork()).
 */
#ifndef PLAINTAP_BPF_HOME_H
#define PLAINTAP_BPF_HOME_H

#include "maps.bpf.h"

/* Key: struct file_id; value: 1. Files whose probes are in home only. Filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct file_id);
	__type(value, u32);
} near_files SEC(".maps");

/* Has the process no probes in this file, although it was looked at? */
static __always_inline bool home_lacks(const struct capture_control *c, u32 pid,
				       const struct file_id *id)
{
	return (c->home != pid || !c->home_plants) && bpf_map_lookup_elem(&near_files, id);
}

/* May a child of the process have what is probed in home only? */
static __always_inline bool home_must_ask(const struct capture_control *c, u32 pid)
{
	return c->home == pid &&
	       *(volatile u32 *)&c->home_loads != *(volatile u32 *)&c->home_checked;
}

/* Is this hit of a probe that is everywhere also seen by one that is in home alone? */
static __always_inline bool home_sees_it(u64 spec, u32 pid)
{
	struct capture_control *c;

	if (!(spec & PROBE_COOKIE_OUTSIDE_HOME))
		return false;
	c = control_get();
	return c && c->home == pid;
}

static __always_inline void home_has_loaded(struct capture_control *c, u32 pid)
{
	if (c->home == pid)
		__sync_fetch_and_add(&c->home_loads, 1);
}

/* The kernel finds home by its first thread: when that is gone, it plants no probes any more. */
static __always_inline void home_loses_leader(struct capture_control *c, u32 pid)
{
	if (c->home != pid)
		return;
	c->home_plants = 0;
	__sync_fetch_and_add(&c->home_loads, 1);
}

static __always_inline void home_loses_thread(u32 pid, u64 thread, bool is_last)
{
	struct capture_control *c = control_get();

	if (!c || c->home != pid)
		return;
	if (is_last)
		c->home = 0;
	else if ((u32)thread == pid)
		home_loses_leader(c, pid);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Processes whose connections show their socket only by what is received: their library moves no
 * bytes itself, or reads by a BIO of the program's own. While there are none, nothing hangs on what
 * the whole machine receives (receiver_need.bpf.h tells of the first).
 */
#ifndef PLAINTAP_BPF_RECEIVERS_H
#define PLAINTAP_BPF_RECEIVERS_H

#include "maps.bpf.h"

/*
 * Key: pid; value: 1. Filled when a process is found to be one, and on fork for its child; deleted
 * when it ends, executes another program, or is watched no longer. Each change is counted in
 * `control`. Full: what that process receives is not looked at.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} receivers SEC(".maps");

static __always_inline u32 *receiver_slot(struct capture_control *c, u32 pid)
{
	return &c->receiver_slots[pid % RECEIVER_SLOT_CNT];
}

/* One look, for all programs of the machine. */
static __always_inline bool receiver_may_be(struct capture_control *c, u32 pid)
{
	return *(volatile u32 *)receiver_slot(c, pid);
}

static __always_inline void receivers_count(struct capture_control *c, u32 pid, u32 change)
{
	__sync_fetch_and_add(&c->receiver_cnt, change);
	__sync_fetch_and_add(receiver_slot(c, pid), change);
}

static __always_inline bool receiver_is(struct capture_control *c, u32 pid)
{
	return receiver_may_be(c, pid) && bpf_map_lookup_elem(&receivers, &pid);
}

static __always_inline void receiver_add(struct capture_control *c, u32 pid)
{
	u32 one = 1;

	if (!bpf_map_update_elem(&receivers, &pid, &one, BPF_NOEXIST))
		receivers_count(c, pid, 1);
}

static __always_inline void receiver_remove(struct capture_control *c, u32 pid)
{
	if (receiver_may_be(c, pid) && !bpf_map_delete_elem(&receivers, &pid))
		receivers_count(c, pid, -1);
}

#endif

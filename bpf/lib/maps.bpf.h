/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps that every probe family shares. Each object declares them; user space creates them once
 * and hands the same ones to every object.
 */
#ifndef PLAINTAP_BPF_MAPS_H
#define PLAINTAP_BPF_MAPS_H

#include "kernel.bpf.h"
#include "process_filter.h"
#include "records.h"

/* Records for user space; user space sets the size before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

/*
 * Key: pid; value: set of enum watch_state. Filled by user space, on fork for the children, and
 * with filters for every process that was judged; deleted when the process ends, or by user space.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} watched SEC(".maps");

/* One value. Filled by user space, but for `consumer`, which a wake-up sets back, and the count. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct capture_control);
} control SEC(".maps");

/* One value per CPU, only ever added to by the kernel side. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kernel_stats);
} stats SEC(".maps");

static __always_inline struct capture_control *control_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/* Adds to a counter of this CPU; atomic, as one program may preempt another. */
#define STATS_ADD(field, n)                                                        \
	do {                                                                       \
		u32 zero_ = 0;                                                     \
		struct kernel_stats *stats_ = bpf_map_lookup_elem(&stats, &zero_); \
		if (stats_)                                                        \
			__sync_fetch_and_add(&stats_->field, (n));                 \
	} while (0)

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A program or library that was not known before is in a process now. The rules of records.h hold.
 */
#ifndef PLAINTAP_ABI_LOAD_RECORD_H
#define PLAINTAP_ABI_LOAD_RECORD_H

#include <linux/types.h>

#include "records.h"

/* Type REC_LOAD. */
struct rec_load {
	struct rec_head head;
	__u32 pid;
	__u32 tid;
	__u32 file_cnt; /* files that were never seen in a watched process */
	__u32 is_held;	/* 1: the thread waits until it is let go, in map `held` */
};

/*
 * Attach cookie of the probe in a loader: how far its struct r_debug lies behind the probed
 * instruction (negative: before it), and whether a pointer to it lies there instead.
 */
#define LOADER_COOKIE(distance, is_pointer) \
	((__u64)(__u32)(__s32)(distance) | (__u64)(is_pointer) << 32)
#define LOADER_COOKIE_DISTANCE(cookie)	 ((__s64)(__s32)(__u32)(cookie))
#define LOADER_COOKIE_IS_POINTER(cookie) ((cookie) >> 32 & 1)

_Static_assert(sizeof(struct rec_load) == 32, "layout");

#endif

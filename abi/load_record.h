/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A process has loaded something that was not known before, is about to fork or to execute a
 * program, or needs that what it receives is looked at. The rules of records.h hold.
 */
#ifndef PLAINTAP_ABI_LOAD_RECORD_H
#define PLAINTAP_ABI_LOAD_RECORD_H

#include <linux/types.h>

#include "records.h"

enum load_why {
	LOAD_FILES = 0,	   /* file_cnt files were never seen in a watched process */
	LOAD_FORK = 1,	   /* it is about to fork, and has probes that its child would not have */
	LOAD_EXEC = 2,	   /* it is about to execute a program; only if its thread is held */
	LOAD_RECEIVER = 3, /* what it receives from sockets must be looked at from now on */
};

/* Bytes of the ring that takes those with LOAD_EXEC: they are few, and do not wait for others. */
#define EXEC_RING_SIZE 65536

/* Type REC_LOAD. */
struct rec_load {
	struct rec_head head;
	__u32 pid;
	__u32 tid;
	__u32 file_cnt;
	__u32 is_held; /* 1: the thread waits until it is let go, in map `held` */
	__u32 why;     /* enum load_why */
	/* With LOAD_EXEC: what it will execute. */
	__s32 dir_fd; /* the descriptor that is executed, or that the path begins at; or AT_FDCWD */
	__u64 path_addr; /* in its memory; 0: there is no path */
};

/* Attach cookie of the probe in a function that executes: how is the program named? */
enum exec_cookie {
	EXEC_COOKIE_PATH = 0,	 /* argument 0 is a path */
	EXEC_COOKIE_PATH_AT = 1, /* argument 0 is a descriptor, 1 is a path */
	EXEC_COOKIE_FD = 2,	 /* argument 0 is a descriptor */
};

/* Attach cookie of the probe in a function that forks: is its argument 2 clone(2)'s flags? */
#define FORK_COOKIE_HAS_FLAGS ((__u64)1)

/*
 * Attach cookie of the probe in a loader: how far its struct r_debug lies behind the probed
 * instruction (negative: before it), and whether a pointer to it lies there instead.
 */
#define LOADER_COOKIE(distance, is_pointer) \
	((__u64)(__u32)(__s32)(distance) | (__u64)(is_pointer) << 32)
#define LOADER_COOKIE_DISTANCE(cookie)	 ((__s64)(__s32)(__u32)(cookie))
#define LOADER_COOKIE_IS_POINTER(cookie) ((cookie) >> 32 & 1)

_Static_assert(sizeof(struct rec_load) == 48, "layout");

#endif

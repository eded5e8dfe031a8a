/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process of its own that keeps threads standing which wait in a probe for longer than a moment.
 *
 * A thread that waits there takes a processor, and where it gives way it does so with the lock of
 * its memory: many of them, or one on a busy machine, hold up the very work that they wait for, as
 * a probe is placed under that lock. So they are stopped as a debugger would do it (ptrace): after
 * the probe, and before the program does anything. No signal, nothing that a parent would see; the
 * kernel itself lets them go if this process dies, and it does so by itself after PARKING_MAX_NS,
 * or when plaintap is gone. Threads that somebody else traces, or that may not be traced, wait on
 * as they did, and so does a second one of the same process.
 */
#ifndef PLAINTAP_ATTACH_PARKING_H
#define PLAINTAP_ATTACH_PARKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From the beginning of the wait: long enough for many such processes that begin at once. */
#define PARKING_MAX_NS UINT64_C(2000000000)

struct parking {
	pid_t pid; /* of the process; 0: there is none */
	int fd;	   /* orders for it */
};

/* `held_fd`: the map of threads that wait. Negative errno. */
int parking_start(struct parking *p, int held_fd);
/* Lets all go. Also for one that was never started, or all 0. */
void parking_stop(struct parking *p);

/*
 * From any thread. That one waits since then, as its record says: it is to stand still, and no
 * longer to wait. False: it goes on to wait.
 */
bool parking_keep(struct parking *p, pid_t pid, pid_t tid, uint64_t since_ns);
/* What parking_keep() was told of may go on. */
void parking_let_go(struct parking *p, pid_t pid, pid_t tid, uint64_t since_ns);

#endif

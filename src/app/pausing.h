/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that the kernel side has stopped so that nothing is lost: reads what it left in their
 * memory, and lets them go on as soon as there is room again.
 *
 * What is read may be trusted only if the process has not run since the stop was asked for. Its
 * threads stop each other, so letting it go for one call could set another one's thread free too
 * early; bpf/lib/pause.bpf.h tells how such a call is noticed and told again.
 */
#ifndef PLAINTAP_APP_PAUSING_H
#define PLAINTAP_APP_PAUSING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/map.h"
#include "collect/collect.h"

struct kernel_side;
struct ring;

struct pausing {
	struct kernel_side *kernel; /* borrowed */
	const struct ring *ring;    /* borrowed: where pending calls are told of */
	struct map paused;	    /* by pid: struct paused_process * */
	uint8_t *buffer;	    /* for reading memory, made on first use */
	uint64_t cnt;		    /* how often a process was let go */
};

void pausing_init(struct pausing *p, struct kernel_side *kernel, const struct ring *ring);
/* Lets everything go. */
void pausing_done(struct pausing *p);

/* Reads a pending call's bytes into the collector; also of a process that was not stopped. */
void pausing_take(struct pausing *p, struct collector *c, const struct pending_call *call);
/* A record that the kernel side told once more, though the first one was good. */
void pausing_take_again(struct pausing *p, const struct pending_call *call);
/*
 * Lets go the processes of which nothing is pending; to be called when the ring has room. With
 * `nothing_comes` (the ring has been empty for a while) all of them, whatever the counts
 * say, if it is still empty.
 */
void pausing_release(struct pausing *p, bool nothing_comes);
/* A process has ended. */
void pausing_forget(struct pausing *p, pid_t pid);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of one direction of a target's places, see bpf/lib/witness.bpf.h: probes on the
 * exported functions ("witnesses") that judge the first calls of one process, and go when these
 * were enough.
 *
 * Exported functions mostly begin with an instruction that is dear to probe, so the witnesses hang
 * on that one process only: nobody else pays for the check. Which process that is may be known when
 * the probes are placed, or only when the first one uses the library.
 */
#ifndef PLAINTAP_ATTACH_PLACE_CHECK_H
#define PLAINTAP_ATTACH_PLACE_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "probe_links.h"
#include "witness.h"

struct place_check {
	const struct prober *prober; /* borrowed */
	const struct target *target; /* borrowed */
	int dir;		     /* REC_SENT, REC_RECEIVED */
	pid_t pid;		     /* whose calls are judged, or will be; 0: nobody's yet */
	bool over;
	struct link_set witnesses; /* the worker's while there is one */
	/* Links take the kernel milliseconds, which the consumer of the ring does not have. */
	pthread_t worker;
	bool has_worker;
	bool worker_has_ended; /* set by it, atomically */
	int worker_result;
};

void place_check_init(struct place_check *c, const struct prober *p, const struct target *t,
		      int dir);
/* Waits until the witnesses are in place. A negative errno: they cannot be. */
int place_check_begin(struct place_check *c, pid_t pid);
/*
 * `pid` uses the library: judge its calls, unless another one's have been judged already. The
 * witnesses are placed in the background; place_check_look() tells if that failed.
 */
void place_check_follow(struct place_check *c, pid_t pid);
/*
 * The counts so far, and a negative errno if the witnesses could not be placed. Also does what is
 * to be done next in the background. To be called every few ms.
 */
int place_check_look(struct place_check *c, struct witness_counts *ret);
/* No witness is placed, and nothing goes on in the background. */
bool place_check_is_idle(const struct place_check *c);
/* Enough was seen, or it no longer matters: the witnesses go, in the background. */
void place_check_end(struct place_check *c);
/* Waits until nothing goes on in the background. To be called at last, after place_check_end(). */
void place_check_join(struct place_check *c);
/* From now on no call is judged, whatever its probes still see. */
void place_check_forget_counts(const struct place_check *c);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On which processor the draining thread sits. It goes before ordinary threads, and the scheduler
 * wakes such a one where it slept, even if another processor has nothing to do: so it may stop the
 * traced program every two milliseconds, for as long as both live. Where calls are made on its
 * processor, and others are free of them, it moves over.
 */
#ifndef PLAINTAP_APP_SEAT_H
#define PLAINTAP_APP_SEAT_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct kernel_side;

enum { SEAT_LOOK_MS = 20 };

struct seat {
	cpu_set_t allowed; /* to this process; empty: it does not move */
	uint64_t *calls;   /* of each processor, as of the last look; NULL: it does not move */
	uint64_t *now;	   /* the same, for the next look */
	unsigned cnt;
	unsigned crowded; /* looks in a row that found calls on its own processor */
	uint64_t looked_ns;
};

/* For the calling thread. Without memory, or with one processor only, it does not move. */
void seat_open(struct seat *s, unsigned cpu_cnt);
void seat_close(struct seat *s);
/* To be called now and then by the thread that drains. */
void seat_look(struct seat *s, const struct kernel_side *k, uint64_t now_ns);

/*
 * One look: `s->now` holds the counts, the thread runs on `cpu`. True: it should move to one of
 * `ret`.
 */
bool seat_is_crowded(struct seat *s, unsigned cpu, cpu_set_t *ret);

#endif

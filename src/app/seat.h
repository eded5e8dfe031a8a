/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On which processor the draining thread sits. It goes before ordinary threads, and the scheduler
 * wakes such a one where it slept, even if another processor has nothing to do: so it may stop the
 * traced program every two milliseconds, for as long as both live. Where calls are made on its
 * processor, and others are idle, it moves over.
 */
#ifndef PLAINTAP_APP_SEAT_H
#define PLAINTAP_APP_SEAT_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct kernel_side;

enum {
	SEAT_LOOK_MS = 20,
	SEAT_CROWDED_LOOKS = 5, /* in a row, until it is judged where to go */
};

struct seat {
	cpu_set_t allowed; /* to this process */
	/* Of each processor; NULL: it does not move. */
	uint64_t *calls;      /* so far, as of the last look */
	uint64_t *made;	      /* between the last two looks */
	uint64_t *idle_begin; /* milliseconds so far, when it began to be crowded */
	uint64_t *idle;	      /* the same, now */
	uint64_t *now;	      /* for a look */
	unsigned cnt;
	unsigned crowded; /* looks in a row that found calls on its own processor */
	uint64_t looked_ns, begin_ns, rest_ns;
};

/* For the calling thread. Without memory, or with one processor only, it does not move. */
void seat_open(struct seat *s, unsigned cpu_cnt);
void seat_close(struct seat *s);
/* To be called now and then by the thread that drains. */
void seat_look(struct seat *s, const struct kernel_side *k, uint64_t now_ns);

/* A look by a thread on `cpu`: `calls` of each processor so far. Returns s->crowded. */
unsigned seat_count(struct seat *s, const uint64_t *calls, unsigned cpu);
/* It has been crowded for `ms`: is any processor better? */
bool seat_choose(const struct seat *s, uint64_t ms, unsigned cpu, cpu_set_t *ret);

#endif

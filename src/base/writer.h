/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread that does what may block: opening, writing and closing outputs. Whoever captures hands
 * jobs over and goes on. They are done one by one, in that order. What they hold is bounded: when
 * the queue is full, writer_submit() waits, and that is counted.
 *
 * Waking the thread for each job would cost more than many a job: it begins when there is enough to
 * do (WRITER_WAKE bytes), or when it is told to.
 *
 * All functions are for one and the same thread, but for those that say so. The thread starts with
 * the first job, so a process may fork until then. If it cannot start, jobs are done at once.
 */
#ifndef PLAINTAP_BASE_WRITER_H
#define PLAINTAP_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer;

enum {
	WRITER_WAKE = 2 << 20, /* bytes, but not more than a quarter of the queue */
	WRITER_ASIDE_QUEUE = 16 << 20,
};

enum { WRITER_JOIN_MAX = 4 };

struct writer_job {
	struct writer_job *next; /* the writer's, until it runs */
	size_t cost;		 /* bytes of memory that the job holds */
	/*
	 * In the writer's thread. The job is its own to free, or to give to writer_recycle(). So
	 * are those that have joined it, by `next` in their order, WRITER_JOIN_MAX in all.
	 */
	void (*run)(struct writer_job *first);
	/* Is `later`, which follows `first` in the queue, to be done with it? NULL: never. */
	bool (*joins)(const struct writer_job *first, const struct writer_job *later);
};

struct writer_stats {
	uint64_t waits;	  /* how often the queue was full, one that lasts included */
	uint64_t wait_ns; /* for how long in all */
	uint64_t peak;	  /* most bytes that the queue held */
	bool is_resting;  /* the thread waits for work, or to be told of it */
};

/*
 * The queue holds jobs of `queue_max` bytes, or a single larger one. Jobs of exactly `spare_cost`
 * bytes can be recycled. NULL without memory.
 */
struct writer *writer_new(size_t queue_max, size_t spare_cost);
/* Does what is queued first. NULL is fine. */
void writer_free(struct writer *w);

enum { WRITER_TICK_NS = 200000000 };

/*
 * While one of the functions below waits, it calls fn(user) about every WRITER_TICK_NS; that must
 * not call the writer.
 */
void writer_tell_waiting(struct writer *w, void (*fn)(void *user), void *user);

/* Returns the job's ticket: they count up from 1. */
uint64_t writer_submit(struct writer *w, struct writer_job *job);
/* The same, if that needs no waiting, and to be done now. False: it was not taken. */
bool writer_try_submit(struct writer *w, struct writer_job *job);
/*
 * For the thread of `w`: a second writer, for what goes on beside. It holds jobs of
 * WRITER_ASIDE_QUEUE bytes, and ends with `w`. NULL without memory.
 */
struct writer *writer_aside(struct writer *w);
/* What was submitted is to be done now: to be called before one waits for something else. */
void writer_start(struct writer *w);
/* The ticket of the newest job; 0 before the first. */
uint64_t writer_newest(const struct writer *w);
/* Returns when this job and all before it are done; what they wrote to memory is then seen here. */
void writer_wait(struct writer *w, uint64_t ticket);
/* From any thread. */
void writer_stats(struct writer *w, struct writer_stats *ret);
/* Has the queue filled, and is not yet nearly empty again? For its thread, too. */
bool writer_is_behind(struct writer *w);

/* A job of `spare_cost` bytes to use again, its content undefined; NULL when there is none. */
struct writer_job *writer_take_spare(struct writer *w);
/* From any thread. Keeps the job as a spare, or gives it to free(). */
void writer_recycle(struct writer *w, struct writer_job *job);
/*
 * Bursts are to be expected: for a quarter of the queue the thread makes spares itself, once it has
 * had a job and has nothing to do, and fills their memory. Such that is new when it is needed costs
 * as much as what is done with it, or ten times that in a virtual machine. Before the first job.
 */
void writer_expect_bursts(struct writer *w);
/* Gives back spares that a burst has left, and are not to be ready for the next one. */
void writer_trim(struct writer *w);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread for what takes milliseconds, in which the one that drains the ring could lose bytes:
 * looking at what processes have loaded, and probing it. It works through its orders one by one and
 * hands each back as an answer.
 *
 * Whoever touches what it works on holds the lock: the thread during an order, the drainer never
 * but by examiner_try().
 */
#ifndef PLAINTAP_APP_EXAMINER_H
#define PLAINTAP_APP_EXAMINER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collect.h"
#include "model/target.h"

enum examination_kind {
	EXAMINE_PROCESS,  /* what it has loaded, through the thread of the event */
	EXAMINE_EXECUTED, /* the same, unless its loader will tell */
	EXAMINE_FORK,	  /* it is about to fork */
	EXAMINE_EXEC,	  /* it is about to execute a program */
	EXAMINE_FORKED,	  /* it was forked by one that should have waited */
	EXAMINE_VERSIONS, /* what files say of their version: nobody waits for that */
};

struct examination {
	/* The order. */
	enum examination_kind kind;
	struct load_event event;
	uint32_t loads; /* home_loads() when it was given */

	/* The answer: is it to be looked at once more? Targets that are new, borrowed; or the
	 * version of the only one. */
	bool again;
	struct target **found;
	size_t found_cnt;
	char version[TARGET_VERSION_MAX];

	struct examination *next; /* the examiner's */
};

struct examination_queue {
	struct examination *first, *last;
};

/* Carries out an order, in the examiner's thread. */
typedef void (*examiner_fn)(void *user, struct examination *x);

struct examiner {
	examiner_fn fn;
	void *user;
	pthread_t thread;
	bool is_running;
	pthread_mutex_t work; /* see above */
	pthread_mutex_t queues;
	pthread_cond_t ordered;
	struct examination_queue orders, answers;
	bool stop;
	uint64_t
		busy_since_ns; /* the order under way; 0: none. Shared, for examiner_is_at_work() */
	int event_fd;	       /* readable when there are answers */
};

int examiner_start(struct examiner *e, examiner_fn fn, void *user);
/* Copied. -ENOMEM: it will not be done. */
int examiner_order(struct examiner *e, const struct examination *order);
/* Is an order under way, or are some waiting? */
bool examiner_is_busy(struct examiner *e);
/* From its thread: an answer besides the one to the order under way. Takes `x` over. */
void examiner_answer(struct examiner *e, struct examination *x);
/* The next answer, for examination_free(); NULL: there is none now. */
struct examination *examiner_next(struct examiner *e);
/* The lock; false: an order is under way. */
bool examiner_try(struct examiner *e);
void examiner_release(struct examiner *e);
/* Has it an order that it has not been stuck in for long? */
bool examiner_is_at_work(const struct examiner *e, uint64_t now_ns);
/* The order under way is brought to its end, others are forgotten; answers can still be had. */
void examiner_stop(struct examiner *e);
/* Also for one that was never started. */
void examiner_done(struct examiner *e);

/* Remembers a target as found. Without memory it stays nameless. */
void examination_add(struct examination *x, struct target *t);
void examination_free(struct examination *x);

#endif

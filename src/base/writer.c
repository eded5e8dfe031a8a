// SPDX-License-Identifier: BSD-2-Clause
/*
 * A list of jobs under one lock. A job leaves the list when it is begun, but counts as queued until
 * it is done: what it holds is memory still. The thread is an ordinary one while it keeps up: it
 * goes before all other ordinary ones from a queue that fills until that is nearly empty. Each side
 * wakes the other only when that one waits.
 */
#include "writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "priority.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
	SPARE_MAX = 256,
	SPARE_READY_MAX = 128, /* of 64 KiB: what comes in five milliseconds at full speed */
	/* Parts of the queue: */
	URGENT_PART = 4, /* filled so far, the thread goes before ordinary ones, … */
	CALM_PART = 16,	 /* … until no more than this is left */
};

struct writer {
	pthread_mutex_t lock;
	pthread_cond_t work; /* for the thread: a job has come, or the end */
	pthread_cond_t done; /* for who submits: a job was done */
	struct writer_job *first, **end;
	size_t queued, queue_max; /* bytes */
	uint64_t submitted, finished;
	bool idle;    /* the thread waits for work */
	bool awaited; /* somebody waits for `done` */
	bool stop;
	pid_t tid;   /* of the thread, 0: it has not run yet */
	bool urgent; /* it goes before ordinary ones */
	struct writer_stats stats;
	struct writer_job *spares;
	size_t spare_cnt, spare_cost;
	bool expects_bursts;
	/* Not under the lock: for the submitting thread only. */
	bool tried; /* to start the thread */
	bool has_thread;
	pthread_t thread;
	struct writer *aside;	  /* for its own thread only; NULL: none */
	void (*tick)(void *user); /* NULL: nobody wants to know of waiting */
	void *tick_user;
};

/* Who submits may go before ordinary threads; it is not to wait for all of them at the lock. */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void init_clocked(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct writer *writer_new(size_t queue_max, size_t spare_cost)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	init_lock(&w->lock);
	pthread_cond_init(&w->work, NULL);
	init_clocked(&w->done);
	w->end = &w->first;
	w->queue_max = queue_max;
	w->spare_cost = spare_cost;
	return w;
}

/* With the lock held. */
static void set_urgent(struct writer *w, bool urgent)
{
	w->urgent = urgent;
	priority_set(w->tid, urgent ? PRIORITY_WRITE : PRIORITY_ORDINARY);
}

/* The first job and those that join it leave the queue. */
static struct writer_job *take_first(struct writer *w, size_t *ret_cost, unsigned *ret_cnt)
{
	struct writer_job *first = w->first, *last = first, *later;

	*ret_cost = first->cost;
	*ret_cnt = 1;
	while ((later = last->next) && *ret_cnt < WRITER_JOIN_MAX && first->joins &&
	       first->joins(first, later)) {
		*ret_cost += later->cost;
		++*ret_cnt;
		last = later;
	}
	w->first = last->next;
	last->next = NULL;
	if (!w->first)
		w->end = &w->first;
	return first;
}

/* Called and left with the lock held; without it while the job runs. */
static void run_first(struct writer *w)
{
	unsigned cnt;
	size_t cost;
	struct writer_job *job = take_first(w, &cost, &cnt);

	pthread_mutex_unlock(&w->lock);
	job->run(job);
	pthread_mutex_lock(&w->lock);
	w->queued -= cost;
	w->finished += cnt;
	if (w->urgent && w->queued <= w->queue_max / CALM_PART)
		set_urgent(w, false);
	if (w->awaited)
		pthread_cond_signal(&w->done);
}

static size_t spares_wanted(const struct writer *w)
{
	size_t cnt = w->spare_cost ? w->queue_max / URGENT_PART / w->spare_cost : 0;

	if (!w->expects_bursts)
		return 0;
	return cnt < SPARE_READY_MAX ? cnt : SPARE_READY_MAX;
}

/* Called and left with the lock held. */
static bool add_spare(struct writer *w)
{
	struct writer_job *job;

	pthread_mutex_unlock(&w->lock);
	job = malloc(w->spare_cost);
	if (job) {
		memset(job, 0xff, w->spare_cost);
		job->cost = w->spare_cost;
		writer_recycle(w, job);
	}
	pthread_mutex_lock(&w->lock);
	return job;
}

static void *run(void *user)
{
	struct writer *w = user;

	prctl(PR_SET_NAME, "plaintap-write");
	pthread_mutex_lock(&w->lock);
	w->tid = gettid();
	while (w->first || !w->stop) {
		if (w->first) {
			run_first(w);
			continue;
		}
		if (w->spare_cnt < spares_wanted(w) && add_spare(w))
			continue;
		w->idle = true;
		pthread_cond_wait(&w->work, &w->lock);
		w->idle = false;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals are for the thread that captures. */
static void start(struct writer *w)
{
	sigset_t all, old;

	w->tried = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->has_thread = pthread_create(&w->thread, NULL, run, w) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	if (w->has_thread) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->work);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	writer_free(w->aside);
	while (w->spares) {
		struct writer_job *job = w->spares;

		w->spares = job->next;
		free(job);
	}
	pthread_cond_destroy(&w->done);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* With the lock held. */
static void wake(struct writer *w)
{
	if (!w->idle || !w->first)
		return;
	w->idle = false;
	pthread_cond_signal(&w->work);
}

static bool is_enough(const struct writer *w)
{
	return w->queued >= WRITER_WAKE || w->queued >= w->queue_max / URGENT_PART;
}

static bool has_room(const struct writer *w, size_t cost)
{
	return !w->queued || (w->queued <= w->queue_max && cost <= w->queue_max - w->queued);
}

void writer_tell_waiting(struct writer *w, void (*fn)(void *user), void *user)
{
	w->tick = fn;
	w->tick_user = user;
}

/* With the lock held. */
static void wait_a_while(struct writer *w)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + WRITER_TICK_NS;
	struct timespec until = { .tv_sec = (time_t)(until_ns / SECOND_NS),
				  .tv_nsec = (long)(until_ns % SECOND_NS) };

	pthread_cond_timedwait(&w->done, &w->lock, &until);
	if (w->tick)
		w->tick(w->tick_user);
}

static void wait_for_room(struct writer *w, size_t cost)
{
	uint64_t begin_ns;

	if (has_room(w, cost))
		return;
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	w->stats.waits++;
	wake(w);
	w->awaited = true;
	while (!has_room(w, cost))
		wait_a_while(w);
	w->awaited = false;
	w->stats.wait_ns += clock_ns(CLOCK_MONOTONIC) - begin_ns;
}

uint64_t writer_submit(struct writer *w, struct writer_job *job)
{
	uint64_t ticket;

	if (!w->tried)
		start(w);
	pthread_mutex_lock(&w->lock);
	wait_for_room(w, job->cost);
	ticket = ++w->submitted;
	w->queued += job->cost;
	if (w->queued > w->stats.peak)
		w->stats.peak = w->queued;
	if (!w->urgent && w->tid && w->queued > w->queue_max / URGENT_PART)
		set_urgent(w, true);
	job->next = NULL;
	*w->end = job;
	w->end = &job->next;
	if (!w->has_thread)
		run_first(w);
	else if (is_enough(w))
		wake(w);
	pthread_mutex_unlock(&w->lock);
	return ticket;
}

bool writer_try_submit(struct writer *w, struct writer_job *job)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = has_room(w, job->cost);
	pthread_mutex_unlock(&w->lock);
	if (!room)
		return false;
	writer_submit(w, job);
	writer_start(w);
	return true;
}

struct writer *writer_aside(struct writer *w)
{
	if (!w->aside)
		w->aside = writer_new(WRITER_ASIDE_QUEUE, 0);
	return w->aside;
}

void writer_start(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	wake(w);
	pthread_mutex_unlock(&w->lock);
}

uint64_t writer_newest(const struct writer *w)
{
	return w->submitted;
}

void writer_wait(struct writer *w, uint64_t ticket)
{
	pthread_mutex_lock(&w->lock);
	wake(w);
	w->awaited = true;
	while (w->finished < ticket)
		wait_a_while(w);
	w->awaited = false;
	pthread_mutex_unlock(&w->lock);
}

bool writer_is_behind(struct writer *w)
{
	bool behind;

	pthread_mutex_lock(&w->lock);
	behind = w->urgent;
	pthread_mutex_unlock(&w->lock);
	return behind;
}

void writer_stats(struct writer *w, struct writer_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->stats;
	ret->is_resting = w->idle;
	pthread_mutex_unlock(&w->lock);
}

struct writer_job *writer_take_spare(struct writer *w)
{
	struct writer_job *job;

	pthread_mutex_lock(&w->lock);
	job = w->spares;
	if (job) {
		w->spares = job->next;
		w->spare_cnt--;
	}
	pthread_mutex_unlock(&w->lock);
	return job;
}

void writer_recycle(struct writer *w, struct writer_job *job)
{
	bool keep;

	pthread_mutex_lock(&w->lock);
	keep = job->cost == w->spare_cost && w->spare_cnt < SPARE_MAX;
	if (keep) {
		job->next = w->spares;
		w->spares = job;
		w->spare_cnt++;
	}
	pthread_mutex_unlock(&w->lock);
	if (!keep)
		free(job);
}

void writer_expect_bursts(struct writer *w)
{
	w->expects_bursts = true;
}

void writer_trim(struct writer *w)
{
	size_t more;

	pthread_mutex_lock(&w->lock);
	more = w->spare_cnt > spares_wanted(w) ? w->spare_cnt - spares_wanted(w) : 0;
	pthread_mutex_unlock(&w->lock);
	for (; more; more--)
		free(writer_take_spare(w));
}

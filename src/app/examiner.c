// SPDX-License-Identifier: BSD-2-Clause
#include "examiner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/priority.h"
#include "now.h"

/* Placing a probe waits for forks under way, and these for processors that waiting threads use. */
#define STUCK_NS UINT64_C(5000000000)

static void put(struct examination_queue *q, struct examination *x)
{
	x->next = NULL;
	if (q->last)
		q->last->next = x;
	else
		q->first = x;
	q->last = x;
}

static struct examination *take(struct examination_queue *q)
{
	struct examination *x = q->first;

	if (!x)
		return NULL;
	q->first = x->next;
	if (!q->first)
		q->last = NULL;
	return x;
}

void examination_add(struct examination *x, struct target *t)
{
	struct target **found = realloc(x->found, (x->found_cnt + 1) * sizeof(struct target *));

	if (!found)
		return;
	x->found = found;
	found[x->found_cnt++] = t;
}

void examination_free(struct examination *x)
{
	if (!x)
		return;
	free(x->found);
	free(x);
}

static void drop_all(struct examination_queue *q)
{
	struct examination *x;

	while ((x = take(q)))
		examination_free(x);
}

void examiner_answer(struct examiner *e, struct examination *x)
{
	uint64_t one = 1;

	pthread_mutex_lock(&e->queues);
	put(&e->answers, x);
	pthread_mutex_unlock(&e->queues);
	/* It counts to more than there will ever be. */
	if (write(e->event_fd, &one, sizeof(one)) < 0)
		log_say(LOG_DEBUG, "an answer was not announced");
}

static void carry_out(struct examiner *e, struct examination *x)
{
	if (x->kind == EXAMINE_VERSIONS)
		priority_set(0, PRIORITY_ORDINARY);
	pthread_mutex_lock(&e->work);
	__atomic_store_n(&e->busy_since_ns, app_now_ns(), __ATOMIC_RELAXED);
	e->fn(e->user, x);
	__atomic_store_n(&e->busy_since_ns, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&e->work);
	priority_set(0, PRIORITY_WRITE);
	examiner_answer(e, x);
}

/* The next order; NULL: it is to stop. */
static struct examination *wait_for_order(struct examiner *e)
{
	struct examination *x = NULL;

	pthread_mutex_lock(&e->queues);
	while (!e->stop && !e->orders.first)
		pthread_cond_wait(&e->ordered, &e->queues);
	if (!e->stop)
		x = take(&e->orders);
	pthread_mutex_unlock(&e->queues);
	return x;
}

static void *work(void *user)
{
	struct examiner *e = user;
	struct examination *x;

	/* Somebody waits for it, and by a loop that takes a processor. */
	priority_set(0, PRIORITY_WRITE);
	while ((x = wait_for_order(e)))
		carry_out(e, x);
	return NULL;
}

int examiner_start(struct examiner *e, examiner_fn fn, void *user)
{
	int r;

	*e = (struct examiner){ .fn = fn, .user = user };
	pthread_mutex_init(&e->work, NULL);
	pthread_mutex_init(&e->queues, NULL);
	pthread_cond_init(&e->ordered, NULL);
	e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->event_fd < 0)
		return -errno;
	r = pthread_create(&e->thread, NULL, work, e);
	e->is_running = r == 0;
	return -r;
}

int examiner_order(struct examiner *e, const struct examination *order)
{
	struct examination *x = malloc(sizeof(*x));

	if (!x)
		return -ENOMEM;
	*x = *order;
	pthread_mutex_lock(&e->queues);
	put(&e->orders, x);
	pthread_cond_signal(&e->ordered);
	pthread_mutex_unlock(&e->queues);
	return 0;
}

bool examiner_is_busy(struct examiner *e)
{
	bool has_orders;

	pthread_mutex_lock(&e->queues);
	has_orders = e->orders.first;
	pthread_mutex_unlock(&e->queues);
	return has_orders || __atomic_load_n(&e->busy_since_ns, __ATOMIC_RELAXED);
}

struct examination *examiner_next(struct examiner *e)
{
	struct examination *x;
	uint64_t cnt;

	/* First: what comes after it is announced again. */
	if (read(e->event_fd, &cnt, sizeof(cnt)) < 0 && errno != EAGAIN)
		log_say(LOG_DEBUG, "the announcements of answers cannot be read");
	pthread_mutex_lock(&e->queues);
	x = take(&e->answers);
	pthread_mutex_unlock(&e->queues);
	return x;
}

bool examiner_is_at_work(const struct examiner *e, uint64_t now_ns)
{
	uint64_t since = __atomic_load_n(&e->busy_since_ns, __ATOMIC_RELAXED);

	/* It may have begun after `now_ns` was asked for. */
	return since && (since > now_ns || now_ns - since < STUCK_NS);
}

bool examiner_try(struct examiner *e)
{
	return pthread_mutex_trylock(&e->work) == 0;
}

void examiner_release(struct examiner *e)
{
	pthread_mutex_unlock(&e->work);
}

void examiner_stop(struct examiner *e)
{
	if (!e->is_running)
		return;
	pthread_mutex_lock(&e->queues);
	e->stop = true;
	pthread_cond_signal(&e->ordered);
	pthread_mutex_unlock(&e->queues);
	pthread_join(e->thread, NULL);
	e->is_running = false;
}

void examiner_done(struct examiner *e)
{
	examiner_stop(e);
	drop_all(&e->orders);
	drop_all(&e->answers);
	if (e->event_fd > 0)
		close(e->event_fd);
	*e = (struct examiner){ 0 };
}

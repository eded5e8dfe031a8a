// SPDX-License-Identifier: BSD-2-Clause
#include "app/examiner.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/now.h"
#include "tap.h"

enum { ORDER_CNT = 1000 };

/* Finds one target for every second order, and tells something between two. */
struct work {
	struct examiner *e;
	struct target *target;
	unsigned done;
	int wait_fd; /* the first order waits until it can be read */
};

static void do_work(void *user, struct examination *x)
{
	struct work *w = user;
	char byte;

	if (!w->done++ && w->wait_fd >= 0 && read(w->wait_fd, &byte, 1) != 1)
		abort();
	if (x->loads % 2)
		examination_add(x, w->target);
	if (x->kind == EXAMINE_VERSIONS) {
		struct examination *more = calloc(1, sizeof(*more));

		more->kind = EXAMINE_VERSIONS;
		examiner_answer(w->e, more);
	}
}

/* Waits for it as the event loop does. */
static struct examination *next(struct examiner *e)
{
	struct pollfd p = { .fd = e->event_fd, .events = POLLIN };
	struct examination *x;

	while (!(x = examiner_next(e)))
		if (poll(&p, 1, 5000) <= 0)
			return NULL;
	return x;
}

static void order(struct examiner *e, enum examination_kind kind, uint32_t loads)
{
	struct examination x = { .kind = kind, .loads = loads };

	INT_EQ(examiner_order(e, &x), 0);
}

static void test_in_order(void)
{
	struct examiner e;
	struct work w = { .e = &e, .target = target_new(TARGET_OPENSSL, "libssl"), .wait_fd = -1 };
	int wrong = 0;

	if (!INT_EQ(examiner_start(&e, do_work, &w), 0))
		return;
	for (uint32_t i = 0; i < ORDER_CNT; i++)
		order(&e, EXAMINE_PROCESS, i);
	for (uint32_t i = 0; i < ORDER_CNT; i++) {
		struct examination *x = next(&e);

		wrong += !x || x->loads != i || x->found_cnt != i % 2 ||
			 (x->found_cnt && x->found[0] != w.target);
		examination_free(x);
	}
	INT_EQ(wrong, 0);
	OK(!examiner_next(&e));
	examiner_done(&e);
	target_free(w.target);
}

/* An answer besides the one to the order comes first. */
static void test_more_answers(void)
{
	struct examiner e;
	struct work w = { .e = &e, .wait_fd = -1 };

	if (!INT_EQ(examiner_start(&e, do_work, &w), 0))
		return;
	order(&e, EXAMINE_VERSIONS, 8);
	for (int i = 0; i < 2; i++) {
		struct examination *x = next(&e);

		INT_EQ(x ? x->loads : 1, i ? 8 : 0);
		examination_free(x);
	}
	examiner_done(&e);
}

/* During an order nobody gets the lock; who stops it waits for that one only. */
static void test_lock_and_stop(void)
{
	struct examiner e;
	struct work w = { .e = &e, .wait_fd = -1 };
	int fds[2];

	if (pipe(fds) < 0)
		abort();
	w.wait_fd = fds[0];
	if (!INT_EQ(examiner_start(&e, do_work, &w), 0))
		return;
	OK(examiner_try(&e));
	examiner_release(&e);
	for (uint32_t i = 0; i < 10; i++)
		order(&e, EXAMINE_PROCESS, i);
	while (examiner_try(&e)) {
		examiner_release(&e);
		usleep(100);
	}
	OK(!examiner_next(&e));
	/* Who waits for it learns so, but not for ever. */
	while (!examiner_is_at_work(&e, app_now_ns()))
		usleep(100);
	OK(!examiner_is_at_work(&e, app_now_ns() + UINT64_C(6000000000)));
	INT_EQ(write(fds[1], "x", 1), 1);
	examiner_stop(&e);
	OK(!examiner_is_at_work(&e, app_now_ns()));
	OK(examiner_try(&e));
	examiner_release(&e);
	OK(w.done >= 1);
	/* What was not carried out, and answers that nobody takes, are freed. */
	examiner_done(&e);
	examiner_done(&e);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	struct examiner never = { 0 };

	examiner_done(&never);
	RUN(test_in_order);
	RUN(test_more_answers);
	RUN(test_lock_and_stop);
	return tap_done();
}

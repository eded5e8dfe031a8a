// SPDX-License-Identifier: BSD-2-Clause
/* bpf/lib/call.bpf.h: which object did the call that now returns work on? */
#include <errno.h>

#include "attach/privilege.h"
#include "bpf_run.h"
#include "call_test.skel.h"
#include "tap.h"

enum { DEPTH_MAX = 4 };

static struct call_test_bpf *skel;

static bool enter(uint64_t thread, uint64_t frame, uint64_t object)
{
	uint64_t args[] = { thread, frame, object };

	return bpf_run(skel->progs.test_enter, args, 3) == 1;
}

static int64_t leave(uint64_t thread, uint64_t frame)
{
	uint64_t args[] = { thread, frame, 0 };

	return bpf_run(skel->progs.test_leave, args, 3);
}

static void test_one_call(void)
{
	INT_EQ(leave(1, 1000), 0);
	OK(enter(1, 1000, 11));
	INT_EQ(leave(1, 1000), 11);
	OK_MSG(leave(1, 1000) == 0, "a call returns once");
}

static void test_nested_calls(void)
{
	OK(enter(2, 1000, 11));
	OK(enter(2, 900, 12));
	OK(enter(2, 800, 13));
	INT_EQ(leave(2, 800), 13);
	OK(enter(2, 850, 14));
	INT_EQ(leave(2, 850), 14);
	INT_EQ(leave(2, 900), 12);
	INT_EQ(leave(2, 1000), 11);
	INT_EQ(leave(2, 1000), 0);
}

static void test_threads_are_apart(void)
{
	OK(enter(3, 1000, 11));
	OK(enter(4, 1000, 12));
	INT_EQ(leave(3, 1000), 11);
	INT_EQ(leave(4, 1000), 12);
}

/* The inner calls never return. */
static void test_longjmp_to_a_return(void)
{
	OK(enter(5, 1000, 11));
	OK(enter(5, 900, 12));
	OK(enter(5, 800, 13));
	INT_EQ(leave(5, 1000), 11);
	INT_EQ(leave(5, 900), 0);
	INT_EQ(leave(5, 800), 0);
}

static void test_longjmp_to_another_call(void)
{
	OK(enter(6, 1000, 11));
	OK(enter(6, 900, 12));
	OK(enter(6, 800, 13));
	/* Above the two that were left: they are gone. */
	OK(enter(6, 950, 14));
	INT_EQ(leave(6, 800), 0);
	INT_EQ(leave(6, 950), 14);
	INT_EQ(leave(6, 1000), 11);
}

static void test_the_same_frame_again(void)
{
	OK(enter(7, 1000, 11));
	OK(enter(7, 900, 12));
	OK(enter(7, 900, 13));
	INT_EQ(leave(7, 900), 13);
	INT_EQ(leave(7, 900), 0);
	INT_EQ(leave(7, 1000), 11);
	for (unsigned i = 0; i < 3 * DEPTH_MAX; i++)
		if (!enter(7, 500, 20 + i))
			OK_MSG(false, "calls that never returned fill the stack");
	INT_EQ(leave(7, 500), 20 + 3 * DEPTH_MAX - 1);
}

/* An unknown return between two known frames: one that was not followed. */
static void test_a_return_that_was_not_followed(void)
{
	OK(enter(8, 1000, 11));
	OK(enter(8, 800, 12));
	INT_EQ(leave(8, 900), 0);
	OK_MSG(leave(8, 800) == 0, "the one below it is gone");
	INT_EQ(leave(8, 1000), 11);
}

static void test_too_deep(void)
{
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		OK(enter(9, 1000 - i, 11 + i));
	OK_MSG(!enter(9, 500, 99), "refused, so that it can be counted");
	INT_EQ(leave(9, 500), 0);
	for (unsigned i = DEPTH_MAX; i-- > 0;)
		INT_EQ(leave(9, 1000 - i), 11 + i);
	INT_EQ(leave(9, 1000), 0);
}

/* The stack is full of frames that were left: a call above them has room. */
static void test_full_of_dead_frames(void)
{
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		OK(enter(10, 1000 - i, 11 + i));
	OK(enter(10, 2000, 99));
	INT_EQ(leave(10, 1000), 0);
	INT_EQ(leave(10, 2000), 99);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("call stack", err.text);
		return tap_done();
	}
	skel = call_test_bpf__open_and_load();
	if (!OK(skel != NULL))
		return tap_done();
	RUN(test_one_call);
	RUN(test_nested_calls);
	RUN(test_threads_are_apart);
	RUN(test_longjmp_to_a_return);
	RUN(test_longjmp_to_another_call);
	RUN(test_the_same_frame_again);
	RUN(test_a_return_that_was_not_followed);
	RUN(test_too_deep);
	RUN(test_full_of_dead_frames);
	call_test_bpf__destroy(skel);
	return tap_done();
}

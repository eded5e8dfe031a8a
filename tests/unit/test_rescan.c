// SPDX-License-Identifier: BSD-2-Clause
#include "app/rescan.h"
#include "tap.h"

#define MS UINT64_C(1000000)

static void test_three_rounds(void)
{
	struct rescan r = { 0 };
	uint64_t now = 1000 * MS;
	pid_t pid = 0;

	OK(!rescan_next(&r, now, &pid));
	rescan_add(&r, 7, now);
	OK(!rescan_next(&r, now + 5 * MS - 1, &pid));
	OK(rescan_next(&r, now + 5 * MS, &pid));
	INT_EQ(pid, 7);
	now += 5 * MS;
	OK(!rescan_next(&r, now + 50 * MS - 1, &pid));
	OK(rescan_next(&r, now + 50 * MS, &pid));
	now += 50 * MS;
	OK(!rescan_next(&r, now + 500 * MS - 1, &pid));
	OK(rescan_next(&r, now + 500 * MS, &pid));
	OK(!rescan_next(&r, now + 100000 * MS, &pid));
	INT_EQ(r.cnt, 0);
}

static void test_wait(void)
{
	struct rescan r = { 0 };

	INT_EQ(rescan_wait_ms(&r, 0, 200), 200);
	rescan_add(&r, 7, 100 * MS);
	INT_EQ(rescan_wait_ms(&r, 100 * MS, 200), 5);
	INT_EQ(rescan_wait_ms(&r, 100 * MS, 2), 2);
	/* Rounded up: a wait that ends too early would spin. */
	INT_EQ(rescan_wait_ms(&r, 105 * MS - 1, 200), 1);
	INT_EQ(rescan_wait_ms(&r, 105 * MS, 200), 0);
	INT_EQ(rescan_wait_ms(&r, 900 * MS, 200), 0);
}

static void test_another_exec_begins_anew(void)
{
	struct rescan r = { 0 };
	pid_t pid;

	rescan_add(&r, 7, 0);
	OK(rescan_next(&r, 5 * MS, &pid));
	rescan_add(&r, 7, 20 * MS);
	INT_EQ(r.cnt, 1);
	OK(rescan_next(&r, 25 * MS, &pid));
	OK(rescan_next(&r, 75 * MS, &pid));
	OK(rescan_next(&r, 575 * MS, &pid));
	OK(!rescan_next(&r, 9999 * MS, &pid));
}

static void test_remove(void)
{
	struct rescan r = { 0 };
	pid_t pid = 0;

	rescan_add(&r, 1, 0);
	rescan_add(&r, 2, 0);
	rescan_add(&r, 3, 0);
	rescan_remove(&r, 1);
	rescan_remove(&r, 99);
	INT_EQ(r.cnt, 2);
	OK(rescan_next(&r, 5 * MS, &pid) && pid != 1);
	OK(rescan_next(&r, 5 * MS, &pid) && pid != 1);
	OK(!rescan_next(&r, 5 * MS, &pid));
}

static void test_the_newest_are_left_out(void)
{
	struct rescan r = { 0 };
	unsigned seen = 0;
	pid_t pid, max = 0;

	for (pid_t i = 1; i <= RESCAN_MAX + 5; i++)
		rescan_add(&r, i, 0);
	INT_EQ(r.cnt, RESCAN_MAX);
	while (rescan_next(&r, 5 * MS, &pid)) {
		seen++;
		max = pid > max ? pid : max;
	}
	INT_EQ(seen, RESCAN_MAX);
	INT_EQ(max, RESCAN_MAX);
}

int main(void)
{
	RUN(test_three_rounds);
	RUN(test_wait);
	RUN(test_another_exec_begins_anew);
	RUN(test_remove);
	RUN(test_the_newest_are_left_out);
	return tap_done();
}

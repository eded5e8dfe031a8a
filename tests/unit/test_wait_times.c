// SPDX-License-Identifier: BSD-2-Clause
#include "app/wait_times.h"
#include "tap.h"

static struct wait_times waits;

static void test_none(void)
{
	double median, max;

	OK(!wait_times_tell(&waits, &median, &max));
}

static void test_some(void)
{
	double median = 0, max = 0;

	wait_times_note(&waits, 3000000);
	wait_times_note(&waits, 1000000);
	wait_times_note(&waits, 2500000);
	OK(wait_times_tell(&waits, &median, &max));
	OK(median == 2.5 && max == 3.0);
	INT_EQ(waits.cnt, 3);
}

/* Of too many the last ones count. */
static void test_many(void)
{
	double median = 0, max = 0;

	waits = (struct wait_times){ 0 };
	wait_times_note(&waits, 9000000000);
	for (int i = 0; i < WAIT_TIMES_MAX; i++)
		wait_times_note(&waits, i < WAIT_TIMES_MAX / 2 - 1 ? 1000000 : 7000000);
	OK(wait_times_tell(&waits, &median, &max));
	OK(median == 7.0 && max == 7.0);
	INT_EQ(waits.cnt, WAIT_TIMES_MAX + 1);
}

int main(void)
{
	RUN(test_none);
	RUN(test_some);
	RUN(test_many);
	return tap_done();
}

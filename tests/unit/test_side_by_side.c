// SPDX-License-Identifier: BSD-2-Clause
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "attach/side_by_side.h"
#include "tap.h"

enum { CNT_MAX = 200 };

static unsigned done[CNT_MAX + 1];

static void note(void *user, size_t i)
{
	if (user == done)
		__atomic_fetch_add(&done[i], 1, __ATOMIC_RELAXED);
}

static void test_each_once(void)
{
	static const size_t cnts[] = { 0, 1, 2, SIDE_BY_SIDE_MAX, SIDE_BY_SIDE_MAX + 1, CNT_MAX };

	for (size_t c = 0; c < sizeof(cnts) / sizeof(cnts[0]); c++) {
		unsigned wrong = 0;

		memset(done, 0, sizeof(done));
		side_by_side(cnts[c], note, done);
		for (size_t i = 0; i <= CNT_MAX; i++)
			wrong += done[i] != (i < cnts[c]);
		OK_MSG(!wrong, "each of %zu is done once", cnts[c]);
	}
}

static void meet(void *user, size_t i)
{
	(void)i;
	pthread_barrier_wait(user);
}

/* Would hang if one waited for another to end. */
static void test_at_the_same_time(void)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, SIDE_BY_SIDE_MAX);
	side_by_side(SIDE_BY_SIDE_MAX, meet, &barrier);
	OK_MSG(true, "%d are under way together", SIDE_BY_SIDE_MAX);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	RUN(test_each_once);
	RUN(test_at_the_same_time);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include "side_by_side.h"

#include <pthread.h>

struct work {
	size_t cnt, next; /* `next` is counted up by all threads */
	void (*fn)(void *user, size_t i);
	void *user;
};

static void *take_part(void *user)
{
	struct work *w = user;
	size_t i;

	while ((i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->cnt)
		w->fn(w->user, i);
	return NULL;
}

void side_by_side(size_t cnt, void (*fn)(void *user, size_t i), void *user)
{
	struct work w = { .cnt = cnt, .fn = fn, .user = user };
	pthread_t threads[SIDE_BY_SIDE_MAX - 1];
	size_t helper_cnt = 0;

	while (helper_cnt + 1 < cnt && helper_cnt + 1 < SIDE_BY_SIDE_MAX &&
	       pthread_create(&threads[helper_cnt], NULL, take_part, &w) == 0)
		helper_cnt++;
	take_part(&w);
	while (helper_cnt)
		pthread_join(threads[--helper_cnt], NULL);
}

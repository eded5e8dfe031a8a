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

struct long_work {
	void (*fn)(void *user);
	void *user;
	bool is_done;
};

static void *do_long_work(void *user)
{
	struct long_work *w = user;

	w->fn(w->user);
	__atomic_store_n(&w->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

bool side_by_side_with(void (*work)(void *work_user), void *work_user,
		       void (*meanwhile)(void *user), void *user)
{
	struct long_work w = { .fn = work, .user = work_user };
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_long_work, &w))
		return false;
	while (!__atomic_load_n(&w.is_done, __ATOMIC_ACQUIRE))
		meanwhile(user);
	pthread_join(thread, NULL);
	return true;
}

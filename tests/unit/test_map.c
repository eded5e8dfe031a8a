// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/map.h"
#include "tap.h"

static int values[5000];

static void test_put_get_remove(void)
{
	struct map m;
	bool good = true;

	map_init(&m);
	OK(map_get(&m, 1) == NULL);
	OK(map_remove(&m, 1) == NULL);
	for (uint64_t i = 0; i < 5000; i++)
		good &= map_put(&m, i * 4096, &values[i]) == 0;
	OK_MSG(good, "5000 puts");
	INT_EQ(m.count, 5000);
	for (uint64_t i = 0; i < 5000; i += 2)
		good &= map_remove(&m, i * 4096) == &values[i];
	OK_MSG(good, "2500 removals");
	for (uint64_t i = 0; i < 5000; i++)
		good &= map_get(&m, i * 4096) == (i % 2 ? &values[i] : NULL);
	OK_MSG(good, "the odd ones are there, the even ones are not");
	INT_EQ(m.count, 2500);
	map_done(&m);
}

static void test_replace_keeps_count(void)
{
	struct map m;

	map_init(&m);
	map_put(&m, 7, &values[0]);
	map_put(&m, 7, &values[1]);
	INT_EQ(m.count, 1);
	OK(map_get(&m, 7) == &values[1]);
	map_done(&m);
}

static void test_walk_sees_each_once(void)
{
	struct map m;
	size_t pos = 0;
	uint64_t key, sum = 0;
	void *value;

	map_init(&m);
	for (uint64_t i = 1; i <= 100; i++)
		map_put(&m, i, &values[i]);
	while (map_next(&m, &pos, &key, &value))
		sum += key;
	INT_EQ(sum, 5050);
	map_done(&m);
}

static void test_without_memory(void)
{
	struct map m;

	map_init(&m);
	fail_alloc_at(1);
	INT_EQ(map_put(&m, 1, &values[0]), -ENOMEM);
	OK(fail_alloc_hit());
	INT_EQ(m.count, 0);
	INT_EQ(map_put(&m, 1, &values[0]), 0);
	map_done(&m);
}

int main(void)
{
	RUN(test_put_get_remove);
	RUN(test_replace_keeps_count);
	RUN(test_walk_sees_each_once);
	RUN(test_without_memory);
	return tap_done();
}

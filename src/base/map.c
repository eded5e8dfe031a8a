// SPDX-License-Identifier: BSD-2-Clause
/* Open addressing with linear probing; removal moves the followers back, so no tombstones. */
#include "map.h"

#include <errno.h>
#include <stdlib.h>

struct map_slot {
	uint64_t key;
	void *value; /* NULL: empty */
};

enum { MAP_CAP_MIN = 16 };

void map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void map_done(struct map *m)
{
	free(m->slots);
	map_init(m);
}

static size_t home_of(const struct map *m, uint64_t key)
{
	key ^= key >> 31;
	key *= 0x9e3779b97f4a7c15ULL;
	key ^= key >> 29;
	return (size_t)key & (m->cap - 1);
}

/* The slot that holds `key`, or the empty one where it would go. Needs cap > count. */
static struct map_slot *slot_for(const struct map *m, uint64_t key)
{
	size_t i = home_of(m, key);

	while (m->slots[i].value && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static int grow(struct map *m)
{
	struct map old = *m;
	size_t cap = old.cap ? old.cap * 2 : MAP_CAP_MIN;
	struct map_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	m->slots = slots;
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			*slot_for(m, old.slots[i].key) = old.slots[i];
	free(old.slots);
	return 0;
}

void *map_get(const struct map *m, uint64_t key)
{
	return m->cap ? slot_for(m, key)->value : NULL;
}

int map_put(struct map *m, uint64_t key, void *value)
{
	struct map_slot *slot;
	int r;

	if ((m->count + 1) * 4 > m->cap * 3) {
		r = grow(m);
		if (r < 0)
			return r;
	}
	slot = slot_for(m, key);
	if (!slot->value)
		m->count++;
	*slot = (struct map_slot){ .key = key, .value = value };
	return 0;
}

static void close_hole(struct map *m, size_t hole)
{
	size_t mask = m->cap - 1;

	for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		size_t home = home_of(m, m->slots[i].key);

		/* Moves back unless its home lies between the hole and where it is. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].value = NULL;
}

void *map_remove(struct map *m, uint64_t key)
{
	struct map_slot *slot;
	void *value;

	if (!m->cap)
		return NULL;
	slot = slot_for(m, key);
	value = slot->value;
	if (!value)
		return NULL;
	close_hole(m, (size_t)(slot - m->slots));
	m->count--;
	return value;
}

bool map_next(const struct map *m, size_t *pos, uint64_t *ret_key, void **ret_value)
{
	for (; *pos < m->cap; (*pos)++) {
		if (!m->slots[*pos].value)
			continue;
		*ret_key = m->slots[*pos].key;
		*ret_value = m->slots[*pos].value;
		(*pos)++;
		return true;
	}
	return false;
}

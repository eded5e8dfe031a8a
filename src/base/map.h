/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash map from a 64-bit key to a pointer. The map owns neither. */
#ifndef PLAINTAP_BASE_MAP_H
#define PLAINTAP_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
	struct map_slot *slots; /* NULL while cap is 0 */
	size_t cap;		/* a power of two, or 0 */
	size_t count;		/* keys in the map */
};

void map_init(struct map *m);
/* Frees the table, not the values. */
void map_done(struct map *m);
/* NULL when the key is absent. */
void *map_get(const struct map *m, uint64_t key);
/* Adds or replaces; `value` must not be NULL. -ENOMEM. */
int map_put(struct map *m, uint64_t key, void *value);
/* Takes the key out; returns its value, or NULL when it was absent. */
void *map_remove(struct map *m, uint64_t key);
/*
 * Walks in no particular order: start with *pos = 0, false at the end. The map must not change
 * meanwhile.
 */
bool map_next(const struct map *m, size_t *pos, uint64_t *ret_key, void **ret_value);

#endif

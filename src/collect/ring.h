/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consumer's side of a BPF ring buffer, read in place.
 *
 * Of the kernel's two consecutive views of the data only one is mapped (the other would double the
 * resident size), so a record that wraps at the end comes as two pieces.
 */
#ifndef PLAINTAP_COLLECT_RING_H
#define PLAINTAP_COLLECT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* A record: `first` and, where it wraps, `second`. Borrowed during the callback. */
struct ring_record {
	const uint8_t *first;
	size_t first_len;
	const uint8_t *second;
	size_t second_len;
};

typedef void (*ring_fn)(void *user, const struct ring_record *rec);

/* `size` is that of the map behind `fd`, which stays the caller's. */
int ring_open(int fd, uint32_t size, struct ring **ret);
/* NULL is fine. */
void ring_close(struct ring *r);
/*
 * Hands up to `max` finished records to `fn`. Their room in the ring is free a sixteenth of the
 * ring later at most, and all of it at the end. Returns how many.
 */
size_t ring_drain(struct ring *r, size_t max, ring_fn fn, void *user);
/* Nothing reserved and nothing finished. */
bool ring_is_empty(const struct ring *r);
/* Bytes that wait, finished or not. */
uint64_t ring_used(const struct ring *r);

/* For tests: a ring over memory of the caller's own. `data` has `size` bytes. */
struct ring *ring_open_memory(uint64_t *consumer_pos, const uint64_t *producer_pos,
			      const uint8_t *data, uint32_t size);

/* Copies up to `len` bytes of the record from `off`; returns how many there were. */
size_t ring_record_copy(const struct ring_record *rec, size_t off, void *to, size_t len);
size_t ring_record_len(const struct ring_record *rec);

#endif

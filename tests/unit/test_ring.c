// SPDX-License-Identifier: BSD-2-Clause
/*
 * A ring in memory of the test's own, its end against an unmapped page: the test writes records as
 * the kernel does.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/ring.h"
#include "tap.h"

enum { SIZE = 128, HEAD = 8, SEEN_MAX = 16 };

struct fixture {
	uint64_t consumer, producer;
	uint8_t *data;
	struct ring *ring;
	/* What the callback saw. */
	size_t seen_cnt;
	size_t seen_len[SEEN_MAX];
	uint8_t seen[SEEN_MAX][SIZE];
	uint64_t consumer_at[SEEN_MAX]; /* where the consumer stood during the callback */
};

static void start(struct fixture *f, uint64_t pos)
{
	static const uint8_t zeros[SIZE];

	memset(f, 0, sizeof(*f));
	f->consumer = f->producer = pos;
	f->data = guarded_copy(zeros, SIZE);
	f->ring = ring_open_memory(&f->consumer, &f->producer, f->data, SIZE);
}

static void stop(struct fixture *f)
{
	ring_close(f->ring);
	guarded_free(f->data, SIZE);
}

static void put_head(struct fixture *f, uint64_t pos, uint32_t word)
{
	memcpy(f->data + pos % SIZE, &word, sizeof(word));
}

/* Bytes `first`, `first` + 1, … */
static void put(struct fixture *f, uint8_t first, uint32_t len, uint32_t flags)
{
	put_head(f, f->producer, len | flags);
	for (uint32_t i = 0; i < len; i++)
		f->data[(f->producer + HEAD + i) % SIZE] = (uint8_t)(first + i);
	f->producer += (HEAD + len + 7) / 8 * 8;
}

static void see(void *user, const struct ring_record *rec)
{
	struct fixture *f = user;

	if (f->seen_cnt == SEEN_MAX)
		abort();
	f->consumer_at[f->seen_cnt] = f->consumer;
	f->seen_len[f->seen_cnt] = ring_record_copy(rec, 0, f->seen[f->seen_cnt], SIZE);
	if (f->seen_len[f->seen_cnt] != ring_record_len(rec))
		abort();
	f->seen_cnt++;
}

static bool saw(const struct fixture *f, size_t i, uint8_t first, size_t len)
{
	if (i >= f->seen_cnt || f->seen_len[i] != len)
		return false;
	for (size_t at = 0; at < len; at++)
		if (f->seen[i][at] != (uint8_t)(first + at))
			return false;
	return true;
}

static void test_records_in_order(void)
{
	struct fixture f;

	start(&f, 0);
	OK(ring_is_empty(f.ring));
	INT_EQ(ring_drain(f.ring, 100, see, &f), 0);
	put(&f, 10, 1, 0);
	put(&f, 20, 8, 0);
	put(&f, 30, 13, 0);
	INT_EQ(ring_used(f.ring), 16 + 16 + 24);
	OK(!ring_is_empty(f.ring));
	INT_EQ(ring_drain(f.ring, 100, see, &f), 3);
	OK(saw(&f, 0, 10, 1));
	OK(saw(&f, 1, 20, 8));
	OK(saw(&f, 2, 30, 13));
	/* Space is given back record by record, and not before a record was looked at. */
	INT_EQ(f.consumer_at[0], 0);
	INT_EQ(f.consumer_at[1], 16);
	INT_EQ(f.consumer_at[2], 32);
	INT_EQ(f.consumer, 56);
	OK(ring_is_empty(f.ring));
	stop(&f);
}

static void test_no_more_than_asked(void)
{
	struct fixture f;

	start(&f, 0);
	put(&f, 1, 3, 0);
	put(&f, 2, 3, 0);
	put(&f, 3, 3, 0);
	INT_EQ(ring_drain(f.ring, 0, see, &f), 0);
	INT_EQ(ring_drain(f.ring, 2, see, &f), 2);
	INT_EQ(f.consumer, 32);
	INT_EQ(ring_drain(f.ring, 2, see, &f), 1);
	OK(saw(&f, 2, 3, 3));
	stop(&f);
}

static void test_discarded_records_are_skipped(void)
{
	struct fixture f;

	start(&f, 0);
	put(&f, 1, 20, BPF_RINGBUF_DISCARD_BIT);
	put(&f, 2, 4, 0);
	put(&f, 3, 5, BPF_RINGBUF_DISCARD_BIT);
	INT_EQ(ring_drain(f.ring, 100, see, &f), 1);
	OK(saw(&f, 0, 2, 4));
	INT_EQ(f.consumer, f.producer);
	stop(&f);
}

static void test_a_busy_record_stops(void)
{
	struct fixture f;

	start(&f, 0);
	put(&f, 1, 4, 0);
	put(&f, 2, 4, BPF_RINGBUF_BUSY_BIT);
	put(&f, 3, 4, 0);
	INT_EQ(ring_drain(f.ring, 100, see, &f), 1);
	INT_EQ(f.consumer, 16);
	INT_EQ(ring_used(f.ring), 32);
	INT_EQ(ring_drain(f.ring, 100, see, &f), 0);
	put_head(&f, 16, 4);
	INT_EQ(ring_drain(f.ring, 100, see, &f), 2);
	OK(saw(&f, 1, 2, 4));
	OK(saw(&f, 2, 3, 4));
	stop(&f);
}

static void test_wraps_at_every_position(void)
{
	unsigned bad = 0, done = 0;

	for (uint64_t pos = 0; pos < SIZE; pos += 8)
		for (uint32_t len = 0; len <= SIZE - HEAD; len++) {
			struct fixture f;

			start(&f, 5 * SIZE + pos);
			put(&f, (uint8_t)(pos + len), len, 0);
			bad += ring_drain(f.ring, 2, see, &f) != 1;
			bad += !saw(&f, 0, (uint8_t)(pos + len), len);
			bad += f.consumer != f.producer;
			done++;
			stop(&f);
		}
	OK_MSG(!bad, "%u records of every length at every position", done);
}

struct room {
	uint64_t consumer;
	uint64_t at[40]; /* where the consumer stood during each callback */
	size_t cnt;
};

static void see_room(void *user, const struct ring_record *rec)
{
	struct room *room = user;

	room->at[room->cnt++] = room->consumer;
}

/* Each giving back slows down who fills the ring; none at all would stop it. */
static void test_room_is_given_back_in_parts(void)
{
	enum { LARGE = 4096, SLOT = 64, CNT = 10 };
	static uint32_t data[LARGE / sizeof(uint32_t)];
	uint64_t producer = (uint64_t)CNT * SLOT;
	struct room room = { 0 };
	struct ring *ring = ring_open_memory(&room.consumer, &producer, (uint8_t *)data, LARGE);
	unsigned bad = 0;

	for (size_t i = 0; i < CNT; i++)
		data[i * SLOT / sizeof(*data)] = SLOT - HEAD;
	INT_EQ(ring_drain(ring, 100, see_room, &room), CNT);
	for (size_t i = 0; i < CNT; i++)
		bad += room.at[i] != i * SLOT / (LARGE / 16) * (LARGE / 16);
	OK_MSG(!bad, "a sixteenth of the ring at a time");
	INT_EQ(room.consumer, producer);
	ring_close(ring);
}

static void broken_length(uint32_t word, uint64_t produced)
{
	struct fixture f;

	start(&f, 64);
	put(&f, 1, 4, 0);
	put_head(&f, f.producer, word);
	f.producer += produced;
	INT_EQ(ring_drain(f.ring, 100, see, &f), 1);
	INT_EQ(f.seen_cnt, 1);
	INT_EQ(f.consumer, 80);
	stop(&f);
}

static void test_a_broken_length_stops(void)
{
	tap_note("longer than the ring");
	broken_length(SIZE - HEAD + 1, SIZE - 16);
	broken_length(0x3fffffff, SIZE - 16);
	broken_length(0x3fffffff | BPF_RINGBUF_DISCARD_BIT, SIZE - 16);
	tap_note("longer than what was produced");
	broken_length(9, 16);
	broken_length(24 | BPF_RINGBUF_DISCARD_BIT, 24);
}

/* Where it should have written, and nowhere else. */
static bool copies_right(const struct ring_record *rec, size_t off, size_t len, size_t total)
{
	uint8_t to[40];
	size_t want = off >= total ? 0 : (len < total - off ? len : total - off);

	memset(to, 0xee, sizeof(to));
	if (ring_record_copy(rec, off, to, len) != want)
		return false;
	for (size_t i = 0; i < sizeof(to); i++)
		if (to[i] != (i < want ? (uint8_t)(off + i) : 0xee))
			return false;
	return true;
}

static void test_copy_over_the_seam(void)
{
	enum { TOTAL = 24 };
	uint8_t bytes[TOTAL];
	unsigned bad = 0;

	for (uint8_t i = 0; i < TOTAL; i++)
		bytes[i] = i;
	for (size_t seam = 0; seam <= TOTAL; seam++) {
		uint8_t *first = guarded_copy(bytes, seam);
		uint8_t *second = guarded_copy(bytes + seam, TOTAL - seam);
		struct ring_record rec = { first, seam, second, TOTAL - seam };

		for (size_t off = 0; off <= TOTAL + 1; off++)
			for (size_t len = 0; len <= TOTAL + 1; len++)
				bad += !copies_right(&rec, off, len, TOTAL);
		guarded_free(first, seam);
		guarded_free(second, TOTAL - seam);
	}
	OK_MSG(!bad, "every part of a record cut anywhere");
}

int main(void)
{
	RUN(test_records_in_order);
	RUN(test_no_more_than_asked);
	RUN(test_discarded_records_are_skipped);
	RUN(test_a_busy_record_stops);
	RUN(test_wraps_at_every_position);
	RUN(test_room_is_given_back_in_parts);
	RUN(test_a_broken_length_stops);
	RUN(test_copy_over_the_seam);
	return tap_done();
}

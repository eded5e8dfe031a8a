// SPDX-License-Identifier: BSD-2-Clause
/*
 * Layout of the mapped file, by the kernel's user ABI: page 0 holds the consumer's position
 * (writable), page 1 the producer's, then the data. Each record has a head of 8 bytes: its length
 * with two flag bits; records begin at multiples of 8.
 */
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RING_HEAD_LEN = 8 };

/*
 * Room is given back in parts of the ring: each giving back takes the line with the position away
 * from the processor that fills the ring, which reads it for every record.
 */
enum { GIVE_BACK_PART = 16 };

struct ring {
	uint64_t *consumer_pos;
	const uint64_t *producer_pos;
	const uint8_t *data;
	uint64_t size;			   /* a power of two */
	void *consumer_map, *producer_map; /* NULL: not ours to unmap */
	size_t page;
};

struct ring *ring_open_memory(uint64_t *consumer_pos, const uint64_t *producer_pos,
			      const uint8_t *data, uint32_t size)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->consumer_pos = consumer_pos;
	r->producer_pos = producer_pos;
	r->data = data;
	r->size = size;
	return r;
}

static int map_pages(struct ring *r, int fd)
{
	void *at = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	r->consumer_map = at;
	at = mmap(NULL, r->page + r->size, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	if (at == MAP_FAILED)
		return -errno;
	r->producer_map = at;
	r->consumer_pos = r->consumer_map;
	r->producer_pos = r->producer_map;
	r->data = (const uint8_t *)r->producer_map + r->page;
	return 0;
}

int ring_open(int fd, uint32_t size, struct ring **ret)
{
	struct ring *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->size = size;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	err = map_pages(r, fd);
	if (err < 0) {
		ring_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	if (r->producer_map)
		munmap(r->producer_map, r->page + r->size);
	if (r->consumer_map)
		munmap(r->consumer_map, r->page);
	free(r);
}

uint64_t ring_used(const struct ring *r)
{
	uint64_t produced = __atomic_load_n(r->producer_pos, __ATOMIC_SEQ_CST);

	return produced - __atomic_load_n(r->consumer_pos, __ATOMIC_RELAXED);
}

bool ring_is_empty(const struct ring *r)
{
	return ring_used(r) == 0;
}

static struct ring_record record_at(const struct ring *r, uint64_t pos, uint32_t len)
{
	uint64_t at = (pos + RING_HEAD_LEN) & (r->size - 1);
	uint64_t to_end = r->size - at;
	struct ring_record rec = { .first = r->data + at, .first_len = len };

	if (len > to_end) {
		rec.first_len = to_end;
		rec.second = r->data;
		rec.second_len = len - to_end;
	}
	return rec;
}

size_t ring_drain(struct ring *r, size_t max, ring_fn fn, void *user)
{
	uint64_t pos = __atomic_load_n(r->consumer_pos, __ATOMIC_RELAXED);
	uint64_t end = __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);
	uint64_t given_back = pos;
	size_t cnt = 0;

	while (pos < end && cnt < max) {
		const uint32_t *head = (const uint32_t *)(r->data + (pos & (r->size - 1)));
		uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		uint64_t slot_len = (RING_HEAD_LEN + (uint64_t)len + 7) & ~UINT64_C(7);

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		/* Never expected of the kernel; without this a broken length reads past the map, or
		 * what was never written. */
		if (slot_len > r->size || slot_len > end - pos)
			break;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			struct ring_record rec = record_at(r, pos, len);

			fn(user, &rec);
			cnt++;
		}
		pos += slot_len;
		if (pos - given_back >= r->size / GIVE_BACK_PART) {
			__atomic_store_n(r->consumer_pos, pos, __ATOMIC_RELEASE);
			given_back = pos;
		}
	}
	if (pos != given_back)
		__atomic_store_n(r->consumer_pos, pos, __ATOMIC_RELEASE);
	return cnt;
}

size_t ring_record_len(const struct ring_record *rec)
{
	return rec->first_len + rec->second_len;
}

size_t ring_record_copy(const struct ring_record *rec, size_t off, void *to, size_t len)
{
	size_t total = ring_record_len(rec), from_first = 0;

	if (off >= total)
		return 0;
	if (len > total - off)
		len = total - off;
	if (off < rec->first_len) {
		from_first = rec->first_len - off < len ? rec->first_len - off : len;
		memcpy(to, rec->first + off, from_first);
	}
	if (len > from_first)
		memcpy((uint8_t *)to + from_first,
		       rec->second + (off + from_first - rec->first_len), len - from_first);
	return len;
}

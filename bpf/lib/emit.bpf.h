/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Records into the ring: reserved there and filled in place, so that a program that preempts
 * another one can never mix their bytes, and no second copy is made.
 *
 * Where the kernel can read user memory into a dynptr, a record is as long as its data; elsewhere
 * it takes the smallest of a few fixed slot sizes, as the verifier wants a constant there.
 */
#ifndef PLAINTAP_BPF_EMIT_H
#define PLAINTAP_BPF_EMIT_H

#include "maps.bpf.h"

/* Set by user space before loading, after trying what this kernel takes. */
const volatile bool has_user_dynptr = false;
const volatile bool has_bpf_loop = false;
const volatile bool may_sleep = false;
const volatile __u64 ring_size = 0; /* bytes */

#ifndef NULL
#define NULL ((void *)0)
#endif

/* Part of the ring that may fill before a napping consumer is woken: one in so many. */
enum { WAKE_PART = 4 };

static __always_inline bool ring_is_filled_to(u64 part)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_size / part;
}

/*
 * Asking costs, so of short records one in so many asks, by the chance of the clock's last digits:
 * between two who ask only some KiB are written. On arm64 the clock steps by 10 to 50 ns, and its
 * last digits alone may never change.
 */
enum { ASK_ALWAYS_LEN = 1024, ASK_MASK = 15 };

static __always_inline bool should_ask(u64 ts_ns, u64 len)
{
	return len >= ASK_ALWAYS_LEN || !((ts_ns ^ ts_ns >> 6) & ASK_MASK);
}

/*
 * A wake-up costs the traced program more than the copy, so there is one only when the consumer
 * would otherwise come too late.
 */
static __always_inline u64 submit_flags(u64 ts_ns, u64 len)
{
	struct capture_control *c = control_get();

	if (!c || c->consumer == CONSUMER_AWAKE)
		return BPF_RB_NO_WAKEUP;
	if (c->consumer == CONSUMER_NAPPING &&
	    (!should_ask(ts_ns, len) || !ring_is_filled_to(WAKE_PART)))
		return BPF_RB_NO_WAKEUP;
	c->consumer = CONSUMER_AWAKE;
	return BPF_RB_FORCE_WAKEUP;
}

enum { PAGE_LEN_MIN = 4096 };

/*
 * Most calls are short ones: they go without the loop's state, and into a slot of a fixed size,
 * which takes fewer calls of the kernel than one that fits. With what stands before it a slot for a
 * tiny one is three cache lines: each line of the ring that is written to had been read by another
 * processor, which costs more than the rest of the copy.
 */
enum { TINY_LEN = 128, SHORT_LEN = 256 };

/* One piece of a call's plaintext. */
struct piece {
	u64 conn;
	u64 off;
	u64 user_addr;
	u32 pid, tid, target;
	u32 len; /* 1 … REC_DATA_MAX */
	u8 dir;
	u8 gap_causes;
};

static __always_inline void piece_fill(struct rec_data *rec, const struct piece *p)
{
	rec->head.type = REC_DATA;
	rec->head.size = sizeof(*rec) + p->len;
	rec->head.ts_ns = bpf_ktime_get_ns();
	rec->conn = p->conn;
	rec->off = p->off;
	rec->pid = p->pid;
	rec->tid = p->tid;
	rec->target = p->target;
	rec->len = p->len;
	rec->dir = p->dir;
	rec->gap_causes = p->gap_causes;
	rec->pad16 = 0;
	rec->pad32 = 0;
}

/* 0, or the cause why the piece is missing now (enum rec_gap_cause). */
static __always_inline u32 piece_emit_dynptr(const struct piece *p)
{
	struct bpf_dynptr slot;
	struct rec_data *rec;
	u32 cause = 0;

	if (bpf_ringbuf_reserve_dynptr(&ring, sizeof(*rec) + p->len, 0, &slot)) {
		cause = REC_GAP_RING_FULL;
		goto discard;
	}
	rec = bpf_dynptr_data(&slot, 0, sizeof(*rec));
	if (!rec) {
		cause = REC_GAP_RING_FULL;
		goto discard;
	}
	piece_fill(rec, p);
	if (bpf_probe_read_user_dynptr(&slot, sizeof(*rec), p->len, (void *)p->user_addr)) {
		cause = REC_GAP_UNREADABLE;
		goto discard;
	}
	bpf_ringbuf_submit_dynptr(&slot, submit_flags(rec->head.ts_ns, p->len));
	return 0;
discard:
	bpf_ringbuf_discard_dynptr(&slot, BPF_RB_NO_WAKEUP);
	return cause;
}

/* The same as a global function, which the verifier looks at once and not at every call. */
__noinline u32 piece_emit_dynptr_call(const struct piece *p)
{
	return p && has_user_dynptr ? piece_emit_dynptr(p) : REC_GAP_UNREADABLE;
}

/* Into a slot of a fixed size. `slot_len` is a constant, at least p->len. */
static __always_inline u32 piece_emit_slot(const struct piece *p, u32 slot_len)
{
	struct rec_data *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + slot_len, 0);
	u64 len = p->len;

	if (!rec)
		return REC_GAP_RING_FULL;
	piece_fill(rec, p);
	/* The compiler must not reason that the test is never true. */
	asm volatile("" : "+r"(len));
	if (len > slot_len || bpf_probe_read_user(rec->data, len, (void *)p->user_addr)) {
		bpf_ringbuf_discard(rec, BPF_RB_NO_WAKEUP);
		return REC_GAP_UNREADABLE;
	}
	bpf_ringbuf_submit(rec, submit_flags(rec->head.ts_ns, len));
	return 0;
}

/*
 * The same for a tiny one, by way of the stack: before it copies from a program the kernel finds
 * out what memory it copies to, which takes longer for the ring than the second copy.
 */
static __always_inline u32 piece_emit_tiny(const struct piece *p)
{
	u64 data[TINY_LEN / sizeof(u64)] = {};
	u64 len = p->len;
	struct rec_data *rec;

	asm volatile("" : "+r"(len));
	if (len > TINY_LEN || bpf_probe_read_user(data, len, (void *)p->user_addr))
		return REC_GAP_UNREADABLE;
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + TINY_LEN, 0);
	if (!rec)
		return REC_GAP_RING_FULL;
	piece_fill(rec, p);
	__builtin_memcpy(rec->data, data, TINY_LEN);
	bpf_ringbuf_submit(rec, submit_flags(rec->head.ts_ns, len));
	return 0;
}

#define PIECE_EMIT_SLOT(slot_len)                                             \
	static __noinline u32 piece_emit_##slot_len(const struct piece *p)    \
	{                                                                     \
		return p ? piece_emit_slot(p, slot_len) : REC_GAP_UNREADABLE; \
	}

PIECE_EMIT_SLOT(256)
PIECE_EMIT_SLOT(1024)
PIECE_EMIT_SLOT(4096)
PIECE_EMIT_SLOT(16384)

static __always_inline u32 piece_emit_slots(const struct piece *p)
{
	if (p->len <= 256)
		return piece_emit_256(p);
	if (p->len <= 1024)
		return piece_emit_1024(p);
	if (p->len <= 4096)
		return piece_emit_4096(p);
	return piece_emit_16384(p);
}

/*
 * `may_loop` is a constant: where it is false the kernel may not know global functions that take
 * pointers (5.12), and refuses the program even for one that is never reached.
 */
static __always_inline u32 piece_emit_now(const struct piece *p, bool may_loop)
{
	if (!has_user_dynptr)
		return piece_emit_slots(p);
	return may_loop ? piece_emit_dynptr_call(p) : piece_emit_dynptr(p);
}

/*
 * Brings the pages of a piece back into memory, by reading a byte of each. No record is reserved
 * meanwhile: all that come after it would have to wait. The pages may go again before they are read
 * once more: then it was not to be. A global function: the verifier looks at it once and not at
 * every call.
 */
__noinline int fault_in(u64 user_addr, u32 len)
{
	u8 byte = 0;

	if (!may_sleep || !len)
		return 0;
	for (u32 at = 0; at < REC_DATA_MAX; at += PAGE_LEN_MIN) {
		if (at >= len)
			break;
		bpf_copy_from_user(&byte, 1, (void *)(user_addr + at));
	}
	bpf_copy_from_user(&byte, 1, (void *)(user_addr + len - 1));
	return byte;
}

/* A record of fixed size; false when the ring is full. */
static __always_inline bool emit_fixed(const void *rec, u64 size)
{
	if (!bpf_ringbuf_output(&ring, (void *)rec, size, submit_flags(0, size)))
		return true;
	STATS_ADD(records_ring_full, 1);
	return false;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * --on-pressure slow where threads can be held: who has something for the ring waits until there is
 * room for it.
 *
 * A look at the ring alone would not do: any number of threads may have looked and not yet
 * reserved, as many as there are processors and each that was preempted in between. So room is
 * promised, before the look: what the ring holds and all that is promised never exceed
 * ROOM_MAX_PARTS of it. What is in the ring already and not given back yet counts twice for a
 * moment, which only makes others wait. Nobody waits while he has a promise; so each promise is
 * kept soon, and there is no ring of waiters.
 *
 * The rest of the ring is for what cannot wait: tracepoints tell of processes, loaders of files.
 */
#ifndef PLAINTAP_BPF_ROOM_H
#define PLAINTAP_BPF_ROOM_H

#include "hold.bpf.h"

enum {
	ROOM_PARTS = 4,	    /* of the ring */
	ROOM_MAX_PARTS = 3, /* may be filled and promised */
	ROOM_LOW_PARTS = 1, /* at most are filled when those who wait go on */
	RECORD_HEAD_LEN = 8,
};

/* Bytes of the ring. A piece of any length fits when it is filled to the low mark. */
__u64 room_promised = 0;

/*
 * The value before it. Unlike an addition that is not asked for it, it orders what comes before and
 * after on all machines. It takes an instruction of newer kernels (5.12), which have loops, too.
 */
static __noinline __attribute__((target("alu32"))) u64 fetch_and_add(u64 *to, u64 n)
{
	return __sync_fetch_and_add(to, n);
}

static __always_inline u64 room_of_record(u64 len)
{
	return RECORD_HEAD_LEN + ((len + 7) & ~7ull);
}

/* At most what piece_emit_now() takes for it. */
static __always_inline u64 room_of_piece(u32 len)
{
	u64 slot_len = len;

	if (len <= TINY_LEN)
		slot_len = TINY_LEN;
	else if (len <= SHORT_LEN)
		slot_len = SHORT_LEN;
	else if (!has_user_dynptr)
		slot_len = len <= 1024 ? 1024 : len <= 4096 ? 4096 : REC_DATA_MAX;
	return room_of_record(sizeof(struct rec_data) + slot_len);
}

static __always_inline bool room_try(u64 len)
{
	u64 others = fetch_and_add(&room_promised, len);

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) + others + len <=
	    ring_size / ROOM_PARTS * ROOM_MAX_PARTS)
		return true;
	fetch_and_add(&room_promised, -len);
	return false;
}

struct room_wait {
	struct hold hold;
	u64 len;
	u64 has;
};

static long room_step(u32 index, void *user)
{
	struct room_wait *w = user;

	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <= ring_size / ROOM_PARTS * ROOM_LOW_PARTS)
		w->has = room_try(w->len);
	return w->has || hold_go_on(&w->hold);
}

static long room_round(u32 index, void *user)
{
	struct room_wait *w = user;

	bpf_loop(HOLD_STEP_MAX, room_step, w, 0);
	return w->has || w->hold.is_over;
}

static __always_inline bool room_wait(u64 len)
{
	struct capture_control *c = control_get();
	struct room_wait w = { .len = len };

	if (!hold_is_on(c))
		return false;
	__sync_fetch_and_add(&c->room_waits, 1);
	hold_init(&w.hold, HOLD_SILENCE_NS);
	bpf_loop(HOLD_STEP_MAX, room_round, &w, 0);
	return w.has;
}

/* A global function: the verifier looks at it once and not at every call. */
__noinline u64 room_take_now(u64 len)
{
	if (!is_patient)
		return 0;
	return room_try(len) || room_wait(len) ? len : 0;
}

/*
 * Waits until there is room for `len` bytes, and promises them. To be followed, when they are in
 * the ring, by room_give(), with what this returns: 0 if there is no waiting. `may_loop`: see
 * send_all().
 */
static __always_inline u64 room_take(u64 len, bool may_loop)
{
	return may_loop && is_patient ? room_take_now(len) : 0;
}

static __always_inline void room_give(u64 taken, bool may_loop)
{
	if (may_loop && is_patient)
		fetch_and_add(&room_promised, -taken);
}

#endif

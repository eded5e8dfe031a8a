/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where threads cannot be held (hold.bpf.h): stops a process so that nothing of it is lost, when
 * one call alone is too long for the ring and, if asked for, when the ring fills. The stop takes
 * effect before the call returns to the program.
 *
 * User space lets a process go when its stop_cnt has moved. Counting comes after the signal: a stop
 * is either undone by a letting go that comes later anyway, or seen by the next one; no process is
 * left stopped and unknown.
 */
#ifndef PLAINTAP_BPF_PAUSE_H
#define PLAINTAP_BPF_PAUSE_H

#include "room.bpf.h"

enum { SIGNAL_STOP = 19 };

/* Key: pid. Filled here; deleted by user space when the process ends. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct pause_state);
} paused SEC(".maps");

/*
 * The signal goes to this very thread, which then stops them all when it is about to return. One
 * for the process goes to any thread, and there is only one of a kind: while that thread waits for
 * a processor, the others would go on whatever they ask for.
 */
static __always_inline struct pause_state *pause_process(u32 pid)
{
	struct pause_state fresh = {};
	struct pause_state *state = bpf_map_lookup_elem(&paused, &pid);

	if (!state) {
		bpf_map_update_elem(&paused, &pid, &fresh, BPF_NOEXIST);
		state = bpf_map_lookup_elem(&paused, &pid);
	}
	if (!state || bpf_send_signal_thread(SIGNAL_STOP))
		return NULL;
	__sync_fetch_and_add(&state->stop_cnt, 1);
	return state;
}

static __always_inline u64 release_seq_read(struct capture_control *c)
{
	return *(volatile u64 *)&c->release_seq;
}

/*
 * User space may be letting the process go in this very moment: then the stop is asked for again.
 * `may_loop`: see send_all().
 */
static __always_inline void pause_if_filling(u32 pid, bool may_loop)
{
	struct capture_control *c;

	if (may_loop && may_hold)
		return;
	c = control_get();
	if (!c || c->pause != PAUSE_WHEN_FILLING || !ring_is_filled_to(PAUSE_PART))
		return;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		u64 seq = release_seq_read(c);

		if (!pause_process(pid) || release_seq_read(c) == seq)
			return;
	}
}

/* How many bytes of one call go through the ring at most, if the rest of it may be stopped for. */
static __always_inline u64 long_call_len(void)
{
	u64 part = ring_size / PAUSE_PART;
	u64 without_loop = REC_PIECES_MAX_NO_LOOP * REC_DATA_MAX;

	return !has_bpf_loop && part > without_loop ? without_loop : part;
}

static __always_inline bool is_long(u64 len)
{
	return len > long_call_len();
}

static __always_inline void pending_fill(struct rec_pending *rec, const struct piece *p, u64 len)
{
	rec->head.type = REC_PENDING;
	rec->head.size = sizeof(*rec);
	rec->head.ts_ns = bpf_ktime_get_ns();
	rec->conn = p->conn;
	rec->off = p->off;
	rec->user_addr = p->user_addr;
	rec->len = len;
	rec->pid = p->pid;
	rec->tid = p->tid;
	rec->target = p->target;
	rec->dir = p->dir;
	rec->gap_causes = p->gap_causes;
	rec->where = PENDING_IN_MEMORY;
}

enum { PAUSE_STEP_MAX = 1 << 16, PAUSE_WAIT_NS = 2000000 };

struct pause_try {
	struct rec_pending rec;
	u64 give_up_ns; /* after this time the try is the last one */
	u64 told;
};

/*
 * One try to stop the process and tell of its bytes. User space may be letting it go in this very
 * moment, for another thread's sake, and undo the stop. It makes release_seq odd before it looks at
 * pending_cnt; we count pending_cnt up before we look at release_seq again: so either it sees that
 * something is pending and leaves the process alone, or we see that we must try again. (An addition
 * orders nothing on arm64; handing the record to the ring in between does, on all machines.) True
 * when the trying is over.
 */
static __always_inline bool pause_try(struct capture_control *c, struct pause_try *t)
{
	struct pause_state *state;

	t->rec.release_seq = release_seq_read(c);
	t->rec.last_try = bpf_ktime_get_ns() >= t->give_up_ns;
	state = pause_process(t->rec.pid);
	if (!state)
		return true;
	__sync_fetch_and_add(&state->pending_cnt, 1);
	if (!emit_fixed(&t->rec, sizeof(t->rec))) {
		__sync_fetch_and_add(&state->pending_cnt, -1);
		t->told = 0;
		return true;
	}
	t->told = 1;
	return t->rec.last_try || release_seq_read(c) == t->rec.release_seq;
}

/* Letting one process go takes microseconds: that is waited for, within bounds. */
static long pause_try_step(u32 index, void *user)
{
	struct pause_try *t = *(struct pause_try **)user;
	struct capture_control *c = control_get();

	if (!c)
		return 1;
	if ((release_seq_read(c) & 1) && bpf_ktime_get_ns() < t->give_up_ns)
		return 0;
	return pause_try(c, t);
}

/* A global function: the verifier looks at it once and not at every call. */
__noinline int pause_try_in_loop(struct pause_try *t)
{
	/* What a loop gets must be on the stack of its own function. */
	struct pause_try *on_stack = t;

	if (!t || !has_bpf_loop || may_hold)
		return 0;
	t->give_up_ns = bpf_ktime_get_ns() + PAUSE_WAIT_NS;
	bpf_loop(PAUSE_STEP_MAX, pause_try_step, &on_stack, 0);
	return t->told;
}

/* True: the process is being stopped, and t->rec was told. `may_loop`: see piece_emit_now(). */
static __always_inline bool pause_and_tell(struct capture_control *c, struct pause_try *t,
					   bool may_loop)
{
	if (may_loop && has_bpf_loop)
		return pause_try_in_loop(t);
	pause_try(c, t);
	return t->told;
}

/* Longer than user space should ever need: it may have to wait for a disk itself. */
#define CALL_HOLD_NS 5000000000ull

static __always_inline bool hold_and_tell(u64 thread, const struct rec_pending *rec)
{
	if (!hold_begin(thread, rec->head.ts_ns))
		return false;
	if (!bpf_ringbuf_output(&ring, (void *)rec, sizeof(*rec), BPF_RB_FORCE_WAKEUP))
		return true;
	STATS_ADD(records_ring_full, 1);
	hold_cancel(thread);
	return false;
}

/* False: the ring is full, or nobody lets go. If the wait was in vain, user space will know. */
static __always_inline bool hold_for_call(struct rec_pending *rec, u8 where)
{
	u64 thread = (u64)rec->pid << 32 | rec->tid;
	u64 room = room_take(room_of_record(sizeof(*rec)), true);
	bool is_told;

	rec->where = where;
	rec->last_try = true;
	is_told = hold_and_tell(thread, rec);
	room_give(room, true);
	if (is_told)
		hold_wait(thread, is_patient ? HOLD_SILENCE_NS : CALL_HOLD_NS);
	return is_told;
}

/*
 * Keeps the calling thread, or else stops its process, until user space has read the bytes. True:
 * it will. `may_loop`: see send_all().
 */
static __always_inline bool stand_and_tell(struct capture_control *c, struct pause_try *t,
					   bool is_file, bool may_loop)
{
	u8 held_where = is_file ? PENDING_IN_FILE_HELD : PENDING_IN_MEMORY_HELD;

	/* Where threads can be held no process is stopped for this, even if nobody answers. */
	if (may_loop && may_hold)
		return hold_for_call(&t->rec, held_where);
	t->rec.where = is_file ? PENDING_IN_FILE : PENDING_IN_MEMORY;
	t->rec.last_try = false;
	return c->pause != PAUSE_NEVER && pause_and_tell(c, t, may_loop);
}

/* Of a call that is_long(). True: user space will read its bytes. `may_loop`: see send_all(). */
static __always_inline bool pause_for_long_call(const struct piece *p, u64 len, bool may_loop)
{
	struct capture_control *c = control_get();
	struct pause_try t = {};

	if (!c)
		return false;
	pending_fill(&t.rec, p, len);
	return stand_and_tell(c, &t, false, may_loop);
}

#endif

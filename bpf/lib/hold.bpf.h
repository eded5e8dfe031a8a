/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A thread waits inside of a probe until user space has looked at something: at what it has loaded,
 * or at the bytes of a long call; or until there is room in the ring (room.bpf.h).
 *
 * The waiting is busy, but gives way: bpf_copy_from_user_task() lets others run who want the
 * processor, and fails as soon as the thread is to be killed. Nothing is ever left waiting: the
 * watchdog lets all go when plaintap dies, and each ends by itself after a while, whatever has
 * become of both. And it does not show: no signal, no state that a parent or a shell would see.
 *
 * How long: for a time that its caller knows, from the last sign on that user space works for
 * anybody who waits, as they may be many; where nothing may be lost (`is_patient`), as long as user
 * space gives signs of life, and HOLD_SILENCE_NS from the last one.
 * Who has waited in vain is the last one to wait, until user space answers, or gives a sign.
 */
#ifndef PLAINTAP_BPF_HOLD_H
#define PLAINTAP_BPF_HOLD_H

#include "emit.bpf.h"
#include "regs.bpf.h"

/* Set by user space before loading: the kernel has loops, and programs that may sleep. */
const volatile bool may_hold = false;

/* The same, in programs that are to lose nothing: --on-pressure slow. Implies may_hold. */
const volatile bool is_patient = false;

/*
 * Less than the 20 s that the kernel gives all threads to stand still when the machine is to sleep:
 * plaintap may be one of the first.
 */
#define HOLD_SILENCE_NS 10000000000ull

/*
 * Key: pid and tid of a thread that waits; value: since when. Filled here; deleted by user space to
 * let it go, or here.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u64);
} held SEC(".maps");

enum { HOLD_STEP_MAX = 1 << 23 /* what bpf_loop() takes */ };

enum hold_end {
	HOLD_IN_VAIN = 0, /* nobody has let it go in time, or it is to be killed */
	HOLD_LET_GO,
	HOLD_PARKED, /* see src/attach/parking.h */
};

struct hold {
	u64 thread;
	u64 give_up_ns;
	u64 stack;  /* an address that can be read */
	u32 sign;   /* the last one seen */
	u8 end;	    /* enum hold_end */
	u8 is_over; /* the waiting, for any other reason too */
	u16 max_ms; /* without a sign; small, as these lie deep in the stack */
};

static __always_inline u32 hold_now(const struct capture_control *c)
{
	return *(volatile u32 *)&c->hold;
}

static __always_inline u32 beat_now(const struct capture_control *c)
{
	return *(volatile u32 *)&c->beat;
}

/* Is somebody there to wait for? */
static __always_inline bool hold_is_on(const struct capture_control *c)
{
	if (!c)
		return false;
	if (is_patient)
		return hold_now(c) != HOLD_OFF && beat_now(c) != *(volatile u32 *)&c->last_beat;
	return hold_now(c) == HOLD_ON;
}

static __always_inline u32 hold_sign(const struct capture_control *c)
{
	return is_patient ? beat_now(c) : *(volatile u32 *)&c->work;
}

/* Signs of life put the end off. */
static __always_inline void hold_listen(struct hold *h, const struct capture_control *c, u64 now_ns)
{
	u32 sign = hold_sign(c);

	if (sign == h->sign)
		return;
	h->sign = sign;
	h->give_up_ns = now_ns + (is_patient ? HOLD_SILENCE_NS : h->max_ms * 1000000ull);
}

static __always_inline void hold_give_up(const struct hold *h, struct capture_control *c)
{
	if (is_patient)
		c->last_beat = h->sign;
	else
		c->hold = HOLD_SUSPENDED;
}

/*
 * Waits a little; true when it is over, whatever has become of what it waits for. Who is not there
 * in time shall not keep the next ones either; that a thread is killed says nothing of that.
 */
static __always_inline bool hold_go_on(struct hold *h)
{
	struct capture_control *c = control_get();
	u64 now_ns = bpf_ktime_get_ns();
	u8 byte;

	if (!c || hold_now(c) == HOLD_OFF || (!is_patient && hold_now(c) != HOLD_ON)) {
		h->end = HOLD_LET_GO;
		h->is_over = 1;
		return true;
	}
	hold_listen(h, c, now_ns);
	if (now_ns >= h->give_up_ns)
		hold_give_up(h, c);
	h->is_over = now_ns >= h->give_up_ns ||
		     bpf_copy_from_user_task(&byte, 1, (void *)h->stack, bpf_get_current_task_btf(),
					     0);
	return h->is_over;
}

static __always_inline void hold_init(struct hold *h, u64 max_ns)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct capture_control *c = control_get();

	h->max_ms = max_ns / 1000000;
	h->give_up_ns = bpf_ktime_get_ns() + max_ns;
	h->sign = c ? hold_sign(c) : 0;
	bpf_probe_read_kernel(&h->stack, sizeof(h->stack), &REGS_STACK(regs));
}

static long hold_step(u32 index, void *user)
{
	struct hold *h = user;
	u64 *since = bpf_map_lookup_elem(&held, &h->thread);

	if (!since)
		h->end = HOLD_LET_GO;
	else if (*(volatile u64 *)since == HELD_IS_PARKED)
		h->end = HOLD_PARKED;
	return h->end || hold_go_on(h);
}

/* One loop may be over too soon: the kernel bounds their rounds, not their time. */
static long hold_round(u32 index, void *user)
{
	struct hold *h = user;

	bpf_loop(HOLD_STEP_MAX, hold_step, h, 0);
	return h->end || h->is_over;
}

/*
 * To be followed by telling user space and hold_wait(), or by hold_cancel(). `now_ns` names this
 * waiting. False: it cannot wait now.
 */
static __always_inline bool hold_begin(u64 thread, u64 now_ns)
{
	return hold_is_on(control_get()) && !bpf_map_update_elem(&held, &thread, &now_ns, BPF_ANY);
}

static __always_inline void hold_cancel(u64 thread)
{
	bpf_map_delete_elem(&held, &thread);
}

/* Waits. */
static __always_inline enum hold_end hold_wait(u64 thread, u64 max_ns)
{
	struct hold h = { .thread = thread };

	hold_init(&h, max_ns);
	bpf_loop(HOLD_STEP_MAX, hold_round, &h, 0);
	hold_cancel(thread);
	return h.end;
}

#endif

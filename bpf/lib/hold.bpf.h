/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A thread waits inside of a probe until user space has looked at something: at what it has loaded,
 * or at the bytes of a long call.
 *
 * The waiting is busy, but gives way: bpf_copy_from_user_task() lets others run who want the
 * processor, and fails as soon as the thread is to be killed. Nothing is ever left waiting: the
 * watchdog lets all go when plaintap dies, and each ends by itself after a while, whatever has
 * become of both. And it does not show: no signal, no state that a parent or a shell would see.
 */
#ifndef PLAINTAP_BPF_HOLD_H
#define PLAINTAP_BPF_HOLD_H

#include "emit.bpf.h"
#include "regs.bpf.h"

/* Set by user space before loading: the kernel has loops, and programs that may sleep. */
const volatile bool may_hold = false;

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

static __always_inline bool hold_is_on(const struct capture_control *c)
{
	return c && *(volatile u32 *)&c->hold == HOLD_ON;
}

struct hold {
	u64 thread;
	u64 give_up_ns;
	u64 stack; /* an address that can be read */
	u64 is_let_go;
};

static long hold_step(u32 index, void *user)
{
	struct hold *h = user;
	u8 byte;

	h->is_let_go = !bpf_map_lookup_elem(&held, &h->thread) || !hold_is_on(control_get());
	return h->is_let_go || bpf_ktime_get_ns() >= h->give_up_ns ||
	       bpf_copy_from_user_task(&byte, 1, (void *)h->stack, bpf_get_current_task_btf(), 0);
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

/*
 * Waits. False: nobody has let it go in time; who is not there to do so shall not keep the next
 * ones either.
 */
static __always_inline bool hold_wait(u64 thread, u64 max_ns)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct capture_control *c = control_get();
	struct hold h = { .thread = thread, .give_up_ns = bpf_ktime_get_ns() + max_ns };

	bpf_probe_read_kernel(&h.stack, sizeof(h.stack), &REGS_STACK(regs));
	bpf_loop(HOLD_STEP_MAX, hold_step, &h, 0);
	hold_cancel(thread);
	if (!h.is_let_go && c)
		c->hold = HOLD_SUSPENDED;
	return h.is_let_go;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From the entry of a call to its return, where the kernel gives no session: which object did the
 * call that now returns work on?
 *
 * Each thread has a small stack of frames, because calls nest (TLS inside TLS: a read of the inner
 * connection calls a read of the outer one). A frame is known by the caller's stack pointer, which
 * is the same at entry and return; frames below it have been left by longjmp or an exception and
 * are dropped. So no state survives on any path, and the entry of a thread goes when the thread
 * does.
 */
#ifndef PLAINTAP_BPF_CALL_H
#define PLAINTAP_BPF_CALL_H

#include "maps.bpf.h"

enum { CALL_DEPTH_MAX = 4 };

struct call_frame {
	u64 frame;  /* the caller's stack pointer */
	u64 object; /* the connection object */
};

struct call_stack {
	u32 depth;
	u32 pad32;
	struct call_frame frames[CALL_DEPTH_MAX];
};

/* Key: pid and tid. Filled on a thread's first call; deleted when the thread ends (proc.bpf.c). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct call_stack);
} calls SEC(".maps");

/* Index of the innermost frame that is not below `frame`, plus one. The stack grows down. */
static __always_inline u32 call_depth_at(const struct call_stack *stack, u64 frame)
{
	u32 depth = 0;

#pragma unroll
	for (u32 i = 0; i < CALL_DEPTH_MAX; i++)
		if (i < stack->depth && stack->frames[i].frame >= frame)
			depth = i + 1;
	return depth;
}

/* False: could not be remembered; the call must be counted as not followed. */
static __always_inline bool call_enter(u64 pid_tgid, u64 frame, u64 object)
{
	struct call_stack *stack = bpf_map_lookup_elem(&calls, &pid_tgid);
	u32 depth;

	if (!stack) {
		struct call_stack fresh = { .depth = 1 };

		fresh.frames[0].frame = frame;
		fresh.frames[0].object = object;
		return !bpf_map_update_elem(&calls, &pid_tgid, &fresh, BPF_ANY);
	}
	depth = call_depth_at(stack, frame);
	/* The same frame again: the call before it never returned here. */
	if (depth && depth <= CALL_DEPTH_MAX && stack->frames[(depth - 1) & 3].frame == frame)
		depth--;
	if (depth >= CALL_DEPTH_MAX)
		return false;
	stack->frames[depth & 3].frame = frame;
	stack->frames[depth & 3].object = object;
	stack->depth = depth + 1;
	return true;
}

/* The object of the call that returns now; 0: not one that was followed. */
static __always_inline u64 call_leave(u64 pid_tgid, u64 frame)
{
	struct call_stack *stack = bpf_map_lookup_elem(&calls, &pid_tgid);
	u32 depth;

	if (!stack)
		return 0;
	depth = call_depth_at(stack, frame);
	if (!depth || stack->frames[(depth - 1) & 3].frame != frame) {
		stack->depth = depth;
		return 0;
	}
	stack->depth = depth - 1;
	return stack->frames[(depth - 1) & 3].object;
}

#endif

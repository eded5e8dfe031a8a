// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Throw-away programs that find out what this kernel can do: each uses one feature, and the loader
 * tries them one by one. None is ever attached to anything.
 */
#include "lib/kernel.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} probe_ring SEC(".maps");

static long loop_step(u32 index, void *user)
{
	return 1;
}

SEC("uprobe")
int probe_bpf_loop(void *ctx)
{
	bpf_loop(1, loop_step, NULL, 0);
	return 0;
}

SEC("uprobe")
int probe_cookie(void *ctx)
{
	return bpf_get_attach_cookie(ctx) != 0;
}

SEC("uprobe")
int probe_user_dynptr(void *ctx)
{
	struct bpf_dynptr slot;

	if (!bpf_ringbuf_reserve_dynptr(&probe_ring, 8, 0, &slot))
		bpf_probe_read_user_dynptr(&slot, 0, 8, NULL);
	bpf_ringbuf_discard_dynptr(&slot, 0);
	return 0;
}

SEC("uprobe")
int probe_session(void *ctx)
{
	/* The kernel wants a result that is seen to be 0 or 1. */
	if (bpf_session_is_return(ctx))
		return 0;
	return bpf_session_cookie(ctx) ? 0 : 1;
}

SEC("uprobe")
int probe_multi(void *ctx)
{
	return 0;
}

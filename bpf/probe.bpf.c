// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Throw-away programs that find out what this kernel can do: each uses one feature, and the loader
 * tries them one by one. None is ever attached to anything, but for the last one, to our own code.
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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} probe_table SEC(".maps");

/* Made to sleep by user space. Such programs may not use tables like ours on all kernels. */
SEC("uprobe")
int probe_sleep(void *ctx)
{
	u32 key = 0;

	bpf_map_lookup_elem(&probe_table, &key);
	return bpf_copy_from_user(&key, sizeof(key), NULL) != 0;
}

SEC("uprobe")
int probe_multi(void *ctx)
{
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} probe_marks SEC(".maps");

/* Counts. */
SEC("uprobe")
int probe_mark(void *ctx)
{
	u32 zero = 0, *cnt = bpf_map_lookup_elem(&probe_marks, &zero);

	if (cnt)
		__sync_fetch_and_add(cnt, 1);
	return 0;
}

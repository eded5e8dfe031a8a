// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/conn.bpf.h, callable by a test. Never attached to anything. */
#include "lib/conn.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct test_args {
	u64 object, pid_tgid, dir, addr, len;
};

static __always_inline int bytes(struct test_args *ctx, bool may_loop)
{
	u64 pid_tgid = ctx->pid_tgid;
	struct conn_state *conn = conn_find(ctx->object, pid_tgid >> 32);

	if (!conn)
		conn = conn_add(ctx->object, pid_tgid >> 32, 5);
	if (!conn)
		return 1;
	conn_bytes(conn, ctx->dir & 1, ctx->addr, ctx->len, pid_tgid, may_loop);
	return 0;
}

SEC("raw_tp")
int test_bytes(struct test_args *ctx)
{
	return bytes(ctx, true);
}

/* Older kernels do not load the one above. */
SEC("raw_tp")
int test_bytes_no_callback(struct test_args *ctx)
{
	return bytes(ctx, false);
}

SEC("raw_tp")
int test_room_of_piece(struct test_args *ctx)
{
	return room_of_piece(ctx->len);
}

/* Older kernels do not load this one either. */
SEC("raw_tp")
int test_room_try(struct test_args *ctx)
{
	return room_try(ctx->len);
}

SEC("raw_tp")
int test_is_used(struct test_args *ctx)
{
	return conn_is_used(ctx->object, ctx->pid_tgid >> 32);
}

SEC("raw_tp")
int test_end(struct test_args *ctx)
{
	struct conn_closing closing = { CLOSING_FAILED, 104 };

	conn_end(ctx->object, ctx->pid_tgid, closing, false);
	return 0;
}

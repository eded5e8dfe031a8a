// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/sendfile.bpf.h, callable by a test. Never attached to anything. */
#include "lib/sendfile.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct test_args {
	u64 object, pid_tgid, fd, file_off, len;
};

static __always_inline struct conn_state *conn_of(struct test_args *ctx)
{
	struct conn_state *conn = conn_find(ctx->object, ctx->pid_tgid >> 32);

	return conn ?: conn_add(ctx->object, ctx->pid_tgid >> 32, 5);
}

SEC("raw_tp")
int test_begin(struct test_args *ctx)
{
	struct conn_state *conn = conn_of(ctx);

	if (!conn)
		return 1;
	sendfile_begin(conn, ctx->fd, ctx->file_off);
	return 0;
}

static __always_inline int end(struct test_args *ctx, bool may_loop)
{
	struct conn_state *conn = conn_of(ctx);

	if (!conn)
		return 1;
	sendfile_end(conn, ctx->len, ctx->pid_tgid, may_loop);
	return 0;
}

SEC("raw_tp")
int test_end(struct test_args *ctx)
{
	return end(ctx, true);
}

/* Older kernels do not load the one above. */
SEC("raw_tp")
int test_end_no_callback(struct test_args *ctx)
{
	return end(ctx, false);
}

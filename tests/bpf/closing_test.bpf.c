// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * bpf/lib/closing.bpf.h, callable by a test, and the programs that note what becomes of sockets. Of
 * all these only the latter are attached.
 */
#include "proc.bpf.c"
#include "lib/closing.bpf.h"

struct test_args {
	u64 object, number;
};

static __always_inline u32 own_pid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* A connection over the descriptor `number` of this process. */
SEC("raw_tp")
int test_open(struct test_args *ctx)
{
	struct conn_state *conn = conn_add(ctx->object, own_pid(), 5);

	if (!conn)
		return -1;
	conn->fd = ctx->number;
	conn->socket = socket_ref_of(socket_of_fd(ctx->number));
	return !!conn->socket.socket;
}

SEC("raw_tp")
int test_set(struct test_args *ctx)
{
	return closing_is_set(ctx->object, own_pid(), ctx->number);
}

SEC("raw_tp")
int test_read(struct test_args *ctx)
{
	return closing_is_read(ctx->object, own_pid());
}

SEC("raw_tp")
int test_end(struct test_args *ctx)
{
	closing_end(ctx->object, bpf_get_current_pid_tgid(), ctx->number, false);
	return 0;
}

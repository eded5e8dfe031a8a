// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/call.bpf.h, callable by a test. Never attached to anything. */
#include "lib/call.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Arguments: thread, frame, object. */
SEC("raw_tp")
int test_enter(struct raw_tp_args *ctx)
{
	return call_enter(ctx->arg[0], ctx->arg[1], ctx->arg[2]);
}

/* Arguments: thread, frame. */
SEC("raw_tp")
int test_leave(struct raw_tp_args *ctx)
{
	return call_leave(ctx->arg[0], ctx->arg[1]);
}

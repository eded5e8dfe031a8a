// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The judging of the running process, callable by a test. */
#include "lib/conn_filter.bpf.h"
#include "lib/watch.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Argument: capture_control.filters. */
SEC("raw_tp")
int judge(struct raw_tp_args *ctx)
{
	return filters_let_in(ctx->arg[0]);
}

SEC("raw_tp")
int ask(struct raw_tp_args *ctx)
{
	return process_is_watched(bpf_get_current_pid_tgid() >> 32);
}

/* The two ends that judge_conn is asked about. */
struct rec_conn_info info;

SEC("raw_tp")
int judge_conn(struct raw_tp_args *ctx)
{
	return conn_is_let_in(&info);
}

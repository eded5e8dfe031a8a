// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/layout.bpf.h, seek.bpf.h and describe.bpf.h, callable by a test. Never attached. */
#include "lib/describe.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct test_args {
	u64 object, dir, len, fd;
};

/* A call begins; 1: it is looked at. */
SEC("raw_tp")
int test_begin(struct test_args *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct conn_state *conn = conn_find(ctx->object, pid_tgid >> 32);

	if (!conn)
		conn = conn_add(ctx->object, pid_tgid >> 32, 5);
	if (!conn)
		return -1;
	if (conn->info == CONN_TOLD)
		return 0;
	conn_describe_begin(pid_tgid);
	return 1;
}

/* It ends, with what conn_state.info is then. */
SEC("raw_tp")
int test_end(struct test_args *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct conn_state *conn = conn_find(ctx->object, pid_tgid >> 32);

	if (!conn)
		return -1;
	conn_describe_end(ctx->object, pid_tgid, ctx->len, ctx->dir & 1);
	return conn->info;
}

/* Meanwhile the thread has received from that descriptor. */
SEC("raw_tp")
int test_receive(struct test_args *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct seeker *seeker = bpf_map_lookup_elem(&seekers, &pid_tgid);
	struct sock *sk = socket_of_fd(ctx->fd);

	if (!seeker || !sk)
		return -1;
	seek_take(seeker, sk);
	return 0;
}

/* The same, as it is told of sockets of any kind. */
SEC("raw_tp")
int test_receive_any(struct test_args *ctx)
{
	struct sock *sk = socket_of_fd(ctx->fd);

	return sk ? seek_see_any((u64)sk) : -1;
}

/* The process has received the hello at `object` from that descriptor. */
SEC("raw_tp")
int test_hello(struct test_args *ctx)
{
	struct hello_key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	struct sock *sk = socket_of_fd(ctx->fd);

	if (!sk || !hello_read(ctx->object, &key))
		return -1;
	hello_note(&key, sk);
	return 0;
}

/* The kernel has received from it, in an interrupt: nobody owns the socket. */
SEC("raw_tp")
int test_interrupt(struct test_args *ctx)
{
	struct sock *sk = socket_of_fd(ctx->fd);

	if (!sk)
		return -1;
	seek_see(sk);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/hello.bpf.h and receiving.bpf.h: the programs that fill, and one to ask what is there. */
#include "proc.bpf.c"

/* One value: what test_take found. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct socket_ends);
} found SEC(".maps");

struct test_args {
	u64 hello;
};

/* The socket that this hello of the running process came from; 0: none is known. */
SEC("raw_tp")
int test_take(struct test_args *ctx)
{
	struct hello_key key = { .pid = bpf_get_current_pid_tgid() >> 32 };
	u32 zero = 0;
	struct socket_ref socket = {};
	struct socket_ends *ends = bpf_map_lookup_elem(&found, &zero);

	if (!ends || !hello_read(ctx->hello, &key))
		return -1;
	__builtin_memset(ends, 0, sizeof(*ends));
	hello_take(&key, &ends->local, &ends->remote, &socket);
	return ends->local.family;
}

/* The number of the system call that runs it. */
SEC("raw_tp")
int test_number(void *ctx)
{
	struct call_regs regs;

	call_regs_read(&regs);
	return regs.number;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* bpf/lib/socket.bpf.h, callable by a test. Never attached. */
#include "lib/socket.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* One value: what test_ends found. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct socket_ends);
} found SEC(".maps");

struct test_args {
	u64 fd;
};

SEC("raw_tp")
int test_ends(struct test_args *ctx)
{
	u32 zero = 0;
	struct socket_ends *ends = bpf_map_lookup_elem(&found, &zero);

	if (!ends)
		return -1;
	__builtin_memset(ends, 0, sizeof(*ends));
	return socket_ends_read(socket_of_fd(ctx->fd), ends);
}

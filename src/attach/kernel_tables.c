// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel_side.h"

/* A connection's id begins with the low bits of its birth time. */
static bool began_before(uint64_t id, uint64_t ns)
{
	return (int64_t)(id - (ns << CONN_ID_CPU_BITS)) < 0;
}

void kernel_tables_take_conns(struct kernel_side *k, pid_t pid, uint64_t before_ns,
			      conn_state_fn fn, void *user)
{
	int fd = kernel_side_conns_fd(k);
	struct conn_key key, next;
	struct conn_state state;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	while (!r) {
		key = next;
		/* The successor first: after the deletion there is none to be found. */
		r = bpf_map_get_next_key(fd, &key, &next);
		if (pid && key.pid != (uint32_t)pid)
			continue;
		if (bpf_map_lookup_elem(fd, &key, &state))
			continue;
		if (pid && !began_before(state.id, before_ns))
			continue;
		if (bpf_map_delete_elem(fd, &key))
			continue;
		fn(user, (pid_t)key.pid, &state);
	}
}

struct conn_closing kernel_tables_closing(struct kernel_side *k, const struct conn_state *state)
{
	struct conn_closing closing = { .flags = state->notify & CLOSING_NOTIFY };
	uint32_t fate;

	if (state->socket.socket &&
	    !bpf_map_lookup_elem(kernel_side_fates_fd(k), &state->socket, &fate))
		closing.socket_error = (uint8_t)closing_error_of_fate(fate);
	if (closing.socket_error)
		closing.flags |= CLOSING_BROKEN;
	return closing;
}

void kernel_tables_take_unsent_ends(struct kernel_side *k, unsent_end_fn fn, void *user)
{
	int fd = kernel_side_unsent_ends_fd(k);
	struct unsent_end end;
	uint64_t id;

	while (!bpf_map_get_next_key(fd, NULL, &id)) {
		int missing = bpf_map_lookup_elem(fd, &id, &end);

		if (bpf_map_delete_elem(fd, &id) < 0)
			return;
		if (!missing)
			fn(user, &end);
	}
}

/* Of each possible CPU; to be freed. NULL: with errno. */
static struct kernel_stats *read_stats(const struct kernel_side *k, unsigned *ret_cnt)
{
	int cpu_cnt = libbpf_num_possible_cpus();
	struct kernel_stats *per_cpu;
	uint32_t zero = 0;

	if (cpu_cnt < 0) {
		errno = -cpu_cnt;
		return NULL;
	}
	per_cpu = calloc((size_t)cpu_cnt, sizeof(*per_cpu));
	if (per_cpu && bpf_map_lookup_elem(kernel_side_stats_fd(k), &zero, per_cpu) < 0) {
		free(per_cpu);
		return NULL;
	}
	*ret_cnt = (unsigned)cpu_cnt;
	return per_cpu;
}

int kernel_tables_stats(const struct kernel_side *k, struct kernel_stats *ret)
{
	unsigned cnt;
	struct kernel_stats *per_cpu = read_stats(k, &cnt);

	if (!per_cpu)
		return -errno;
	*ret = (struct kernel_stats){ 0 };
	for (unsigned i = 0; i < cnt; i++) {
		const __u64 *from = (const __u64 *)&per_cpu[i];
		__u64 *to = (__u64 *)ret;

		for (size_t f = 0; f < sizeof(*ret) / sizeof(*to); f++)
			to[f] += from[f];
	}
	free(per_cpu);
	return 0;
}

unsigned kernel_tables_cpu_cnt(void)
{
	int cnt = libbpf_num_possible_cpus();

	return cnt < 0 ? 0 : (unsigned)cnt;
}

int kernel_tables_calls(const struct kernel_side *k, uint64_t *ret, unsigned cnt)
{
	unsigned cpu_cnt;
	struct kernel_stats *per_cpu = read_stats(k, &cpu_cnt);

	if (!per_cpu)
		return -errno;
	for (unsigned i = 0; i < cnt && i < cpu_cnt; i++)
		ret[i] = per_cpu[i].calls;
	free(per_cpu);
	return 0;
}

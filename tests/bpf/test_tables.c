// SPDX-License-Identifier: BSD-2-Clause
/*
 * attach/kernel_tables.h: what is taken out of the kernel's tables, and what stays. The test fills
 * them by hand.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "attach/privilege.h"
#include "tap.h"

enum { MANY = 1000 };

static struct kernel_side *kernel;

/* Each connection is taken once: the sums say which they were. */
struct taken {
	unsigned cnt;
	uint64_t pids, offs;
};

static void take(void *user, pid_t pid, const struct conn_state *state)
{
	struct taken *t = user;

	t->cnt++;
	t->pids += (uint64_t)pid;
	t->offs += state->off[REC_SENT];
}

static uint64_t id_born(uint64_t ns, unsigned cpu)
{
	return ns << CONN_ID_CPU_BITS | cpu;
}

static void put_conn(uint64_t object, uint32_t pid, uint64_t id, uint64_t off)
{
	struct conn_key key = { .object = object, .pid = pid };
	struct conn_state state = { .id = id, .off = { off, 0 } };

	if (bpf_map_update_elem(kernel_side_conns_fd(kernel), &key, &state, BPF_ANY))
		abort();
}

static struct taken take_conns(pid_t pid, uint64_t before_ns)
{
	struct taken t = { 0 };

	kernel_tables_take_conns(kernel, pid, before_ns, take, &t);
	return t;
}

static void test_of_one_process(void)
{
	struct taken t = take_conns(10, 5000);

	INT_EQ(t.cnt, 0);
	put_conn(1, 10, id_born(1000, 0), 1);
	put_conn(2, 10, id_born(4999, 1023), 2);
	put_conn(1, 11, id_born(1000, 0), 4);
	/* The same pid, but another program by then. */
	put_conn(3, 10, id_born(5000, 0), 8);
	put_conn(4, 10, id_born(9000, 3), 16);
	t = take_conns(10, 5000);
	INT_EQ(t.cnt, 2);
	INT_EQ(t.pids, 20);
	INT_EQ(t.offs, 1 + 2);
	INT_EQ(take_conns(10, 5000).cnt, 0);
	t = take_conns(0, 0);
	INT_EQ(t.cnt, 3);
	INT_EQ(t.pids, 11 + 10 + 10);
	INT_EQ(t.offs, 4 + 8 + 16);
	INT_EQ(take_conns(0, 0).cnt, 0);
}

/* A machine that has run for 208 days: the time no longer fits above the CPU's number. */
static void test_after_the_id_wraps(void)
{
	uint64_t wrap = UINT64_C(1) << (64 - CONN_ID_CPU_BITS);

	put_conn(1, 10, id_born(wrap - 100, 0), 1);
	put_conn(2, 10, id_born(wrap + 100, 0), 2);
	put_conn(3, 10, id_born(wrap + 300, 0), 4);
	INT_EQ(take_conns(10, wrap + 200).offs, 1 + 2);
	INT_EQ(take_conns(0, 0).offs, 4);
}

static void test_many(void)
{
	struct taken t;

	for (unsigned i = 0; i < MANY; i++)
		put_conn(i, 10 + i % 2, id_born(1000, 0), 1);
	t = take_conns(11, 2000);
	INT_EQ(t.cnt, MANY / 2);
	INT_EQ(t.pids, 11 * MANY / 2);
	t = take_conns(0, 0);
	INT_EQ(t.cnt, MANY / 2);
	INT_EQ(t.pids, 10 * MANY / 2);
}

static void take_end(void *user, const struct unsent_end *end)
{
	take(user, (pid_t)end->pid, &end->state);
	INT_EQ(end->closing.flags, CLOSING_NOTIFY_SENT);
}

static void test_unsent_ends(void)
{
	int fd = kernel_side_unsent_ends_fd(kernel);
	struct taken t = { 0 };

	for (uint64_t id = 1; id <= MANY; id++) {
		struct unsent_end end = { .state = { .id = id, .off = { id, 0 } },
					  .pid = 7,
					  .closing = { .flags = CLOSING_NOTIFY_SENT } };

		if (bpf_map_update_elem(fd, &id, &end, BPF_ANY))
			abort();
	}
	kernel_tables_take_unsent_ends(kernel, take_end, &t);
	INT_EQ(t.cnt, MANY);
	INT_EQ(t.pids, 7 * MANY);
	INT_EQ(t.offs, MANY * (MANY + 1) / 2);
	kernel_tables_take_unsent_ends(kernel, take_end, &t);
	INT_EQ(t.cnt, MANY);
}

int main(void)
{
	struct kernel_side_options opt = { .ring_size = 1 << 16 };
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("tables", err.text);
		return tap_done();
	}
	if (!OK_MSG(kernel_side_open(&opt, &kernel, &err) == 0 &&
			    kernel_side_wait(kernel, &err) == 0,
		    "the kernel side opens %s", err.text))
		return tap_done();
	RUN(test_of_one_process);
	RUN(test_after_the_id_wraps);
	RUN(test_many);
	RUN(test_unsent_ends);
	kernel_side_close(kernel);
	return tap_done();
}

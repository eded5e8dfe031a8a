// SPDX-License-Identifier: BSD-2-Clause
/* The part of kernel_side.h about processes that are stopped and threads that wait in probes. */
#include "kernel_side.h"

#include <bpf/bpf.h>

#include "base/clock.h"
#include "load_record.h"
#include "parking.h"

static uint64_t thread_key(pid_t pid, pid_t tid)
{
	return (uint64_t)pid << 32 | (uint32_t)tid;
}

bool kernel_side_is_held(const struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns)
{
	uint64_t thread = thread_key(pid, tid), since;

	return !bpf_map_lookup_elem(kernel_side_held_fd(k), &thread, &since) && since == since_ns;
}

void kernel_side_show_work(struct kernel_side *k)
{
	__atomic_add_fetch(&kernel_side_control(k)->work, 1, __ATOMIC_RELAXED);
}

void kernel_side_let_go(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns)
{
	struct capture_control *control = kernel_side_control(k);
	uint64_t thread = thread_key(pid, tid);

	if (kernel_side_is_held(k, pid, tid, since_ns))
		bpf_map_delete_elem(kernel_side_held_fd(k), &thread);
	kernel_side_show_work(k);
	if (control->hold == HOLD_SUSPENDED)
		control->hold = HOLD_ON;
}

bool kernel_side_park(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns)
{
	return parking_keep(kernel_side_parking(k), pid, tid, since_ns);
}

void kernel_side_let_go_parked(struct kernel_side *k, pid_t pid, pid_t tid, uint64_t since_ns)
{
	struct capture_control *control = kernel_side_control(k);

	if (clock_ns(CLOCK_MONOTONIC) - since_ns > PARKING_MAX_NS)
		__atomic_add_fetch(&control->held_in_vain, 1, __ATOMIC_RELAXED);
	kernel_side_let_go(k, pid, tid, since_ns);
	parking_let_go(kernel_side_parking(k), pid, tid, since_ns);
}

void kernel_side_each_paused(struct kernel_side *k, kernel_side_paused_fn fn, void *user)
{
	int fd = kernel_side_paused_fd(k), r;
	struct pause_state state;
	uint32_t key, next;

	r = bpf_map_get_next_key(fd, NULL, &next);
	while (!r) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &state))
			fn(user, (pid_t)key, &state);
	}
}

uint32_t kernel_side_exec_ring_size(const struct kernel_side *k)
{
	return EXEC_RING_SIZE;
}

int kernel_side_pause_state(struct kernel_side *k, pid_t pid, struct pause_state *ret)
{
	uint32_t key = (uint32_t)pid;

	return bpf_map_lookup_elem(kernel_side_paused_fd(k), &key, ret);
}

void kernel_side_forget_paused(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map_delete_elem(kernel_side_paused_fd(k), &key);
}

// SPDX-License-Identifier: BSD-2-Clause
/* The part of kernel_side.h about which processes are watched. */
#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel_side.h"
#include "process_filter.h"
#include "receiving.h"
#include "trait_filter.h"

enum { WITHOUT_FILTER = WATCH_JUDGED | WATCH_IN | WATCH_TOLD | WATCH_FIXED };

static int set_state(struct kernel_side *k, pid_t pid, uint32_t state)
{
	uint32_t key = (uint32_t)pid;

	kernel_side_control(k)->watched_hint[key % WATCH_HINT_CNT] = 1;
	return bpf_map_update_elem(kernel_side_watched_fd(k), &key, &state, BPF_ANY);
}

int kernel_side_set_filter(struct kernel_side *k, const struct trait_filter *f, bool all)
{
	struct capture_control *control = kernel_side_control(k);
	int r = 0;

	if (f->asked && !kernel_side_asks_traits(k))
		return -EINVAL;
	for (size_t i = 0; !r && i < f->cnt; i++)
		r = bpf_map_update_elem(kernel_side_filters_fd(k), &f->words[i].key,
					&f->words[i].wish, BPF_ANY);
	if (!r && all)
		r = kernel_side_exclude(k, getpid());
	if (r < 0)
		return r;
	control->filters = f->asked | FILTERS_ON;
	/* Nobody may be judged before the filter is whole. */
	__atomic_store_n(&control->watch_all, all, __ATOMIC_RELEASE);
	return 0;
}

static bool is_excluded(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid, state;

	return !bpf_map_lookup_elem(kernel_side_watched_fd(k), &key, &state) &&
	       (state & WATCH_FIXED) && !(state & WATCH_IN);
}

int kernel_side_watch(struct kernel_side *k, pid_t pid)
{
	if (is_excluded(k, pid))
		return 1;
	return set_state(k, pid, kernel_side_control(k)->filters ? WATCH_TOLD : WITHOUT_FILTER);
}

int kernel_side_exclude(struct kernel_side *k, pid_t pid)
{
	receiving_forget(kernel_side_receiving(k), pid);
	return set_state(k, pid, WATCH_JUDGED | WATCH_FIXED);
}

int kernel_side_readmit(struct kernel_side *k, pid_t pid)
{
	return is_excluded(k, pid) ? kernel_side_unwatch(k, pid) : -ENOENT;
}

int kernel_side_unwatch(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	receiving_forget(kernel_side_receiving(k), pid);
	return bpf_map_delete_elem(kernel_side_watched_fd(k), &key);
}

/* Calls `fn` (may be NULL) for those that user space knows of; how many, at most `max`. */
static unsigned each_told(struct kernel_side *k, unsigned max, kernel_side_watched_fn fn,
			  void *user)
{
	int fd = kernel_side_watched_fd(k);
	uint32_t key, next, state;
	unsigned cnt = 0;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	while (!r && cnt < max) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &state) || !(state & WATCH_TOLD))
			continue;
		cnt++;
		if (fn)
			fn(user, (pid_t)key, state & WATCH_IN);
	}
	return cnt;
}

unsigned kernel_side_watched_cnt(struct kernel_side *k, unsigned max)
{
	return each_told(k, max, NULL, NULL);
}

void kernel_side_each_watched(struct kernel_side *k, kernel_side_watched_fn fn, void *user)
{
	each_told(k, UINT32_MAX, fn, user);
}

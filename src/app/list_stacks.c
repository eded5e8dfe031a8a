// SPDX-License-Identifier: BSD-2-Clause
#include "list_stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "discover/process_info.h"
#include "discover/process_state.h"
#include "discover/process_tree.h"
#include "discover/tls_files.h"
#include "model/process.h"

struct listing {
	struct tls_file_cache cache;
	int (*each)(void *user, const struct listed_process *p);
	void *user;
};

static int tell(struct listing *l, struct listed_process *p)
{
	struct process *info = process_info_read(p->pid);
	int r;

	if (!info)
		return -ENOMEM;
	p->comm = info->comm;
	p->exe = info->exe;
	r = l->each(l->user, p);
	process_unref(info);
	return r;
}

static void take_uses(struct listed_process *p, const struct tls_uses *uses)
{
	_Static_assert((int)LISTED_STACK_MAX >= (int)TLS_USE_MAX, "room for all");

	p->unreadable_cnt = uses->unreadable_cnt;
	for (size_t i = 0; i < uses->cnt; i++) {
		stack_words(uses->items[i].file, uses->items[i].version, &p->stacks[i]);
		p->build_ids[i] = uses->items[i].file->build_id;
	}
	p->stack_cnt = uses->cnt;
}

static int list_one(struct listing *l, pid_t pid, struct error *ret_error)
{
	CLEANUP_FREE struct listed_process *p = calloc(1, sizeof(*p));
	struct tls_uses uses;
	pid_t leader;
	int r;

	if (!p)
		return -ENOMEM;
	r = process_leader("/proc", pid, &leader);
	if (r < 0)
		return error_set(ret_error, -ESRCH, "-p %d: there is no such process", (int)pid);
	if (leader != pid)
		return error_set(ret_error, -EINVAL,
				 "-p %d: that is a thread of process %d; write -p %d", (int)pid,
				 (int)leader, (int)leader);
	r = tls_files_of(&l->cache, "/proc", pid, &uses, ret_error);
	if (r < 0)
		return r;
	p->pid = pid;
	take_uses(p, &uses);
	return tell(l, p);
}

static bool has_ended(pid_t pid)
{
	struct process_state s;

	process_state_read(pid, &s);
	return !s.exists || s.has_ended;
}

/* Processes may end meanwhile: those are passed over. */
static int list_if_tls(struct listing *l, pid_t pid)
{
	CLEANUP_FREE struct listed_process *p = calloc(1, sizeof(*p));
	struct error err = { 0 };
	struct tls_uses uses;
	int r;

	if (!p)
		return -ENOMEM;
	r = tls_files_of(&l->cache, "/proc", pid, &uses, &err);
	if (r == -ENOMEM)
		return r;
	if (r == -ESRCH || (r >= 0 && !uses.cnt && (!uses.unreadable_cnt || has_ended(pid))))
		return 0;
	p->pid = pid;
	if (r < 0)
		p->problem = err.text;
	else
		take_uses(p, &uses);
	return tell(l, p);
}

static int list_all(struct listing *l, struct error *ret_error)
{
	struct process_tree tree;
	int r = process_tree_read(&tree, "/proc");

	if (r < 0)
		return error_set_errno(ret_error, r, "cannot read /proc");
	for (size_t i = 0; r >= 0 && i < tree.cnt; i++)
		if (tree.links[i].pid != getpid())
			r = list_if_tls(l, tree.links[i].pid);
	process_tree_done(&tree);
	if (r < 0)
		error_set_errno(ret_error, r, "cannot list the processes");
	return r;
}

int list_stacks(pid_t pid, int (*each)(void *user, const struct listed_process *p), void *user,
		struct error *ret_error)
{
	struct listing l = { .each = each, .user = user };
	int r;

	tls_file_cache_init(&l.cache);
	r = pid ? list_one(&l, pid, ret_error) : list_all(&l, ret_error);
	tls_file_cache_done(&l.cache);
	return r;
}

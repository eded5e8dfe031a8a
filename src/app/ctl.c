// SPDX-License-Identifier: BSD-2-Clause
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach/kernel_side.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ctl_order.h"
#include "ctl_socket.h"
#include "ctl_status.h"
#include "discover/process_info.h"
#include "discover/process_tree.h"
#include "filters.h"
#include "leaving.h"
#include "loop.h"
#include "now.h"
#include "state.h"
#include "targets.h"

int ctl_open(struct app *a, struct error *ret_error)
{
	const char *path = a->opt->ctl;
	struct error err = { 0 };
	int r;

	if (path && !strcmp(path, "off"))
		return 0;
	r = ctl_socket_open(path, &a->ctl, &err);
	if (r < 0 && path) {
		if (ret_error)
			*ret_error = err;
		return r;
	}
	if (r < 0)
		log_say(LOG_INFO, "plaintap ctl will not reach this plaintap: %s", err.text);
	return 0;
}

void ctl_serve(struct app *a, uint64_t now_ns)
{
	if (a->ctl)
		ctl_socket_serve(a->ctl, now_ns, ctl_obey, a);
	leaving_end(a, now_ns);
}

/* Is it there, and a process rather than a thread? */
static int check_is_process(pid_t pid, const char *verb, struct error *ret_error)
{
	pid_t leader;
	int r = process_leader("/proc", pid, &leader);

	if (r < 0)
		return error_set(ret_error, -ESRCH, "%s %d: there is no such process", verb,
				 (int)pid);
	if (leader != pid)
		return error_set(ret_error, -EINVAL, "%s %d: that is a thread; write %s %d", verb,
				 (int)pid, verb, (int)leader);
	return 0;
}

static int add_pid(struct app *a, pid_t pid, struct buf *answer, struct error *ret_error)
{
	int r = check_is_process(pid, "add-pid", ret_error);
	bool readmitted;

	if (r < 0)
		return r;
	readmitted = kernel_side_readmit(a->kernel, pid) == 0;
	if (app_is_whole_machine(a->opt) && readmitted)
		return buf_printf(answer, "process %d is no longer kept out\n", (int)pid);
	if (app_is_whole_machine(a->opt))
		return error_set(
			ret_error, -EINVAL,
			"add-pid %d: this plaintap watches the whole machine already%s", (int)pid,
			filters_has_process_words(a->opt) ? ", but for what its filters keep out"
							  : "");
	if (a->opt->no_children)
		return error_set(
			ret_error, -EINVAL,
			"add-pid %d: this plaintap was started with --no-children, and its "
			"probes may be in one process alone; start another one",
			(int)pid);
	r = targets_add_process(a, pid, ret_error);
	if (r < 0)
		return r;
	return buf_printf(answer, "process %d is watched from now on, with its children\n",
			  (int)pid);
}

struct removal {
	struct app *app;
	uint64_t now_ns;
	bool exclude; /* the whole machine is watched: it must be kept out */
	unsigned cnt;
	int r; /* the first failure */
};

static void remove_one(void *user, pid_t pid)
{
	struct removal *x = user;
	struct kernel_side *k = x->app->kernel;
	int r = x->exclude ? kernel_side_exclude(k, pid) : kernel_side_unwatch(k, pid);

	/* A child that is not in the set. */
	if (r == -ENOENT)
		return;
	if (!r)
		r = leaving_add(x->app, pid, x->now_ns);
	if (r < 0 && !x->r)
		x->r = r;
	x->cnt++;
}

/* Without filters nobody is asked for: from now on the set is. */
static int make_excludable(struct app *a)
{
	if (!app_is_whole_machine(a->opt) || kernel_side_control(a->kernel)->filters)
		return 0;
	return kernel_side_set_filter(a->kernel, &a->filter, true);
}

/* The process first: so a child that it starts meanwhile is none of the set either. */
static int remove_pid(struct app *a, pid_t pid, struct buf *answer, struct error *ret_error)
{
	struct removal x = {
		.app = a,
		.now_ns = app_now_ns(),
		.exclude = app_is_whole_machine(a->opt),
	};
	struct process_tree tree;
	int r = check_is_process(pid, "remove-pid", ret_error);

	if (r < 0)
		return r;
	r = make_excludable(a);
	if (r < 0)
		return error_set_errno(ret_error, r, "remove-pid %d", (int)pid);
	remove_one(&x, pid);
	if (!x.cnt)
		return error_set(ret_error, -ENOENT, "remove-pid %d: it is not watched", (int)pid);
	if (process_tree_read(&tree, "/proc") == 0) {
		process_tree_descendants(&tree, pid, remove_one, &x);
		process_tree_done(&tree);
	}
	if (x.r < 0)
		return error_set_errno(ret_error, x.r, "remove-pid %d", (int)pid);
	return buf_printf(answer, "process %d%s no longer watched\n", (int)pid,
			  x.cnt > 1 ? " and its children are" : " is");
}

int ctl_obey(void *user, struct str line, struct buf *answer, struct error *ret_error)
{
	struct app *a = user;
	struct ctl_order order;
	int r = ctl_order_parse(line, &order, ret_error);

	if (r < 0)
		return r;
	switch (order.verb) {
	case CTL_ADD_PID:
		return add_pid(a, order.pid, answer, ret_error);
	case CTL_REMOVE_PID:
		return remove_pid(a, order.pid, answer, ret_error);
	case CTL_STATUS:
		return order.json ? ctl_status_json(a, answer) : ctl_status_text(a, answer);
	}
	return -EINVAL;
}

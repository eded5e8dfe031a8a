// SPDX-License-Identifier: BSD-2-Clause
#include "targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "attach/receiving.h"
#include "base/buf.h"
#include "base/log.h"
#include "discover/ld_cache.h"
#include "discover/proc_maps.h"
#include "discover/process_info.h"
#include "discover/process_tree.h"
#include "discover/program.h"
#include "discover/tls_library.h"
#include "execs.h"
#include "filters.h"
#include "home.h"
#include "loaders.h"
#include "model/process.h"
#include "model/target.h"
#include "now.h"
#include "state.h"

/*
 * A file that cannot be probed is said, and does not stop the others. `is_for_all`: another process
 * has it than home.
 */
static void attach_new(struct app *a, bool is_for_all)
{
	struct error err = { 0 };

	for (; a->attached_cnt < a->targets.cnt; a->attached_cnt++) {
		if (kernel_side_attach(a->kernel, a->targets.items[a->attached_cnt], is_for_all,
				       &err) < 0)
			log_say(LOG_WARNING, "%s", err.text);
		else
			a->probed_cnt++;
	}
}

static void say_problem(const struct process_findings *f)
{
	if (f->problem.code)
		log_say(LOG_WARNING, "%s", f->problem.text);
}

static void find_cached(struct app *a)
{
	struct process_findings findings;
	struct error err = { 0 };
	int r;

	process_findings_init(&findings);
	r = discover_loader_cache(LD_CACHE_PATH, &a->targets, &findings, &err);
	if (r < 0 && r != -ENOENT)
		log_say(LOG_WARNING, "%s", err.text);
	say_problem(&findings);
	process_findings_done(&findings);
}

static void note_user_of(struct app *a, size_t from, size_t to, pid_t pid)
{
	for (size_t i = from; i < to; i++)
		a->targets.items[i]->user = pid;
}

/* What was found since there were `known_cnt` is used by that process. */
static void note_user(struct app *a, size_t known_cnt, pid_t pid)
{
	note_user_of(a, known_cnt, a->targets.cnt, pid);
}

static void say_why_nothing(struct app *a, pid_t pid, const struct process_findings *f)
{
	struct process *p = process_table_get(&a->pipeline.processes, pid);
	struct buf why;

	buf_init(&why, 700);
	process_findings_explain(f, &why);
	buf_append_byte(&why, '\0');
	log_say(LOG_WARNING,
		"%s[%d] has loaded no TLS library that plaintap knows: %s; watching it all the same, "
		"it may load one later",
		p ? p->comm : "process", (int)pid, why.len ? (const char *)why.data : "");
	buf_done(&why);
	process_unref(p);
}

static int no_such_process(pid_t pid, struct error *ret_error)
{
	return error_set(ret_error, -ESRCH,
			 "-p %d: there is no such process (or it has just ended)", (int)pid);
}

/* A thread is not watched by itself: the process must be named. */
static int check_is_process(pid_t pid, struct error *ret_error)
{
	pid_t leader;
	int r = process_leader("/proc", pid, &leader);

	if (r < 0)
		return no_such_process(pid, ret_error);
	if (leader != pid)
		return error_set(ret_error, -EINVAL,
				 "-p %d: that is a thread of process %d; write -p %d", (int)pid,
				 (int)leader, (int)leader);
	return 0;
}

/*
 * Watched before it is looked at: so a child that it forks meanwhile is watched too. A process
 * that ends meanwhile takes itself out of the set.
 */
static int watch_process(struct app *a, pid_t pid, struct error *ret_error)
{
	int r = check_is_process(pid, ret_error);

	if (r < 0)
		return r;
	r = kernel_side_watch(a->kernel, pid);
	if (r < 0)
		return error_set_errno(ret_error, r, "-p %d: cannot watch it", (int)pid);
	/* Before it is looked at: what it loads meanwhile is told. */
	a->loaders.sees_named = loaders_see_process(a, pid) > 0;
	execs_see_process(a, pid);
	return 0;
}

static int look_at_process(struct app *a, pid_t pid, struct error *ret_error)
{
	struct process_findings findings;
	size_t known_cnt = a->targets.cnt;
	int r;

	process_findings_init(&findings);
	r = discover_process(pid, &a->targets, &findings, ret_error);
	note_user(a, known_cnt, pid);
	if (r == -ESRCH) {
		kernel_side_unwatch(a->kernel, pid);
		no_such_process(pid, ret_error);
	}
	/* Its bytes may arrive when it has ended: who it is must be known by then. */
	process_unref(process_table_get(&a->pipeline.processes, pid));
	if (r == 0)
		say_why_nothing(a, pid, &findings);
	say_problem(&findings);
	process_findings_done(&findings);
	return r < 0 ? r : 0;
}

/* A descendant may end at any time: then it is no longer of interest. */
static void find_descendant(void *user, pid_t pid)
{
	struct app *a = user;
	struct process_findings findings;
	size_t known_cnt = a->targets.cnt;

	if (kernel_side_watch(a->kernel, pid) < 0)
		return;
	loaders_see_process(a, pid);
	execs_see_process(a, pid);
	process_findings_init(&findings);
	if (discover_process(pid, &a->targets, &findings, NULL) == -ESRCH)
		kernel_side_unwatch(a->kernel, pid);
	note_user(a, known_cnt, pid);
	process_findings_done(&findings);
}

/* The given ones are watched by now, so children of theirs that are not in the tree yet are too. */
static void find_descendants(struct app *a, const pid_t *pids, size_t cnt)
{
	struct process_tree tree;

	if (!cnt || a->opt->no_children)
		return;
	if (process_tree_read(&tree, "/proc") < 0) {
		log_say(LOG_WARNING,
			"cannot read /proc: children that already run are not watched");
		return;
	}
	for (size_t i = 0; i < cnt; i++)
		process_tree_descendants(&tree, pids[i], find_descendant, a);
	process_tree_done(&tree);
}

static void find_running(void *user, pid_t pid)
{
	struct app *a = user;
	struct process_findings findings;
	size_t known_cnt = a->targets.cnt;

	loaders_see_process(a, pid);
	execs_see_process(a, pid);
	process_findings_init(&findings);
	discover_process(pid, &a->targets, &findings, NULL);
	note_user(a, known_cnt, pid);
	process_findings_done(&findings);
}

/*
 * Of the whole machine's processes those that a filter wants may have libraries that the loader's
 * cache does not know: containers bring their own.
 */
static void find_let_in(struct app *a)
{
	if (app_is_whole_machine(a->opt) && filters_each_running(a, find_running, a) < 0)
		log_say(LOG_WARNING,
			"cannot read /proc: libraries that only running processes have are not seen");
}

static void find_program(struct app *a, const char *program)
{
	struct error err = { 0 };

	a->look_ahead.program_from = a->targets.cnt;
	if (discover_program(program, &a->targets, &a->findings, &err) < 0)
		log_say(LOG_INFO, "%s", err.text);
	a->look_ahead.program_to = a->targets.cnt;
	say_problem(&a->findings);
}

/*
 * What a running process has mapped is looked at once more when its loader is probed: then nearly
 * all of it is known. What a program and the cache name is known for good.
 */
static void *look_ahead(void *user)
{
	struct app *a = user;

	for (size_t i = 0; i < a->opt->pid_cnt; i++) {
		size_t known_cnt = a->targets.cnt;

		discover_mapped_libraries(a->opt->pids[i], &a->targets);
		note_user(a, known_cnt, a->opt->pids[i]);
	}
	if (a->look_ahead.program)
		find_program(a, a->look_ahead.program);
	find_cached(a);
	return NULL;
}

void targets_look_ahead(struct app *a, const char *program)
{
	struct look_ahead *l = &a->look_ahead;

	l->program = program;
	l->is_running = pthread_create(&l->thread, NULL, look_ahead, a) == 0;
	if (!l->is_running)
		look_ahead(a);
}

void targets_wait(struct app *a)
{
	struct look_ahead *l = &a->look_ahead;

	if (l->is_running)
		pthread_join(l->thread, NULL);
	l->is_running = false;
}

static void know_new(struct app *a)
{
	for (; a->reported_cnt < a->targets.cnt; a->reported_cnt++)
		pipeline_know_target(&a->pipeline, a->targets.items[a->reported_cnt]);
	a->targets.settled_cnt = a->reported_cnt;
}

int targets_attach_all(struct app *a, const char *program, struct error *ret_error)
{
	bool has_home;
	int r = 0;

	for (size_t i = 0; !r && i < a->opt->pid_cnt; i++)
		r = watch_process(a, a->opt->pids[i], ret_error);
	targets_wait(a);
	note_user_of(a, a->look_ahead.program_from, a->look_ahead.program_to, a->command.pid);
	for (size_t i = 0; !r && i < a->opt->pid_cnt; i++)
		r = look_at_process(a, a->opt->pids[i], ret_error);
	if (r < 0)
		return r;
	find_descendants(a, a->opt->pids, a->opt->pid_cnt);
	if (program)
		loaders_see_program(a, program);
	if (app_is_whole_machine(a->opt))
		loaders_see_own(a);
	if (program || app_is_whole_machine(a->opt))
		execs_see_process(a, getpid());
	find_let_in(a);
	has_home = home_is_possible(a);
	r = kernel_side_wait(a->kernel, ret_error);
	if (r < 0)
		return r;
	if (has_home)
		home_choose(a);
	attach_new(a, false);
	know_new(a);
	/* A command, and the children of a process, may still bring a library of their own. */
	if (!a->probed_cnt && !program)
		return error_set(
			ret_error, -ENOENT,
			"nothing to probe: no TLS library that plaintap knows (%s), neither in "
			"the given processes nor in " LD_CACHE_PATH,
			tls_library_names());
	return 0;
}

int targets_add_process(struct app *a, pid_t pid, struct error *ret_error)
{
	int r;

	home_give_up(a, "another process is watched");
	r = watch_process(a, pid, ret_error);
	if (!r)
		r = look_at_process(a, pid, ret_error);
	if (r < 0)
		return r;
	receiving_of_all(kernel_side_receiving(a->kernel), app_now_ns());
	find_descendants(a, &pid, 1);
	attach_new(a, true);
	know_new(a);
	rescan_add(&a->rescan, pid, app_now_ns());
	return 0;
}

/* What its thread waits for will take a while. */
static void park(struct app *a, struct load_event *e)
{
	if (e->is_held && !e->is_parked)
		e->is_parked = kernel_side_park(a->kernel, e->pid, e->tid, e->monotonic_ns);
}

void targets_order(struct app *a, enum examination_kind kind, const struct load_event *event)
{
	struct examination x = { .kind = kind, .event = *event, .loads = home_loads(a) };

	if (examiner_is_busy(&a->examiner))
		park(a, &x.event);
	if (!examiner_order(&a->examiner, &x))
		return;
	log_say(LOG_WARNING, "out of memory: what process %d has loaded is not looked at",
		(int)event->pid);
	loaders_let_go(a, &x.event);
}

void targets_order_process(struct app *a, enum examination_kind kind, pid_t pid)
{
	const struct load_event event = { .pid = pid, .tid = pid };

	targets_order(a, kind, &event);
}

void targets_order_versions(struct app *a)
{
	targets_order_process(a, EXAMINE_VERSIONS, 0);
}

void targets_probe_program(struct app *a, int fd, const char *path, pid_t pid)
{
	size_t known_cnt = a->targets.cnt;

	tls_library_collect_program(fd, path, &a->targets, NULL);
	note_user(a, known_cnt, pid);
	if (a->attached_cnt < a->targets.cnt)
		log_say(LOG_INFO, "process %d executes %s, which has a TLS library: probing it",
			(int)pid, path);
	/* Any other process may execute it, too. */
	attach_new(a, true);
}

static void look_before_exec(struct app *a, struct examination *x)
{
	execs_look(a, &x->event);
	/* What is new must have its name first. */
	x->event.file_cnt = 1;
	if (a->reported_cnt < a->targets.cnt)
		return;
	execs_let_go(a, &x->event);
	x->event.is_held = false;
}

static void look(struct app *a, struct examination *x)
{
	struct process_findings findings;
	pid_t pid = x->event.pid;
	size_t known_cnt = a->targets.cnt;

	process_findings_init(&findings);
	/* Through that thread: its first one may have ended. */
	if (discover_process(x->event.tid, &a->targets, &findings, NULL) >= 0 &&
	    findings.problem.code)
		log_say(LOG_INFO, "%s", findings.problem.text);
	process_findings_done(&findings);
	note_user(a, known_cnt, pid);
	execs_see_process(a, x->event.tid);
	if (a->attached_cnt < a->targets.cnt) {
		log_say(LOG_INFO, "process %d has a TLS library of its own: probing it from now on",
			(int)pid);
		park(a, &x->event);
	}
	attach_new(a, !home_is(a, pid));
	if (home_is(a, pid))
		home_was_looked_at(a, x->event.tid, x->loads);
	else
		home_other_was_looked_at(a, x->event.tid);
}

/*
 * What no loader will tell is looked for at once, and again after a while. A loader that is probed
 * from now on may have told all by then.
 */
static void look_at_executed(struct app *a, struct examination *x)
{
	size_t known_cnt = a->loaders.file_cnt;
	int sight = loaders_see_process(a, x->event.pid);

	if (sight == -ESRCH || (sight && a->loaders.file_cnt == known_cnt))
		return;
	home_give_up(a, "a program runs whose loader was not known, or that has none");
	look(a, x);
	x->again = true;
}

/* The targets are the drainer's, too: so it is told what to write there. */
static void tell_version(struct app *a, struct target *t)
{
	struct examination *x = calloc(1, sizeof(*x));
	struct target copy = *t;

	if (!x)
		return;
	tls_library_read_version(&copy);
	t->wants_version = false;
	x->kind = EXAMINE_VERSIONS;
	examination_add(x, t);
	memcpy(x->version, copy.version, sizeof(x->version));
	examiner_answer(&a->examiner, x);
}

static void tell_versions(struct app *a)
{
	for (size_t i = 0; i < a->targets.cnt; i++)
		if (a->targets.items[i]->wants_version)
			tell_version(a, a->targets.items[i]);
}

static void report_new(struct app *a, struct examination *x)
{
	bool wants_version = false;

	for (; a->reported_cnt < a->targets.cnt; a->reported_cnt++) {
		examination_add(x, a->targets.items[a->reported_cnt]);
		wants_version |= a->targets.items[a->reported_cnt]->wants_version;
	}
	a->targets.settled_cnt = a->reported_cnt;
	if (wants_version)
		targets_order_versions(a);
}

void targets_examine(void *user, struct examination *x)
{
	struct app *a = user;

	switch (x->kind) {
	case EXAMINE_EXECUTED:
		look_at_executed(a, x);
		break;
	case EXAMINE_PROCESS:
		look(a, x);
		break;
	case EXAMINE_FORK:
		home_forks(a, x->event.tid);
		break;
	case EXAMINE_EXEC:
		look_before_exec(a, x);
		break;
	case EXAMINE_FORKED:
		home_has_forked(a, x->event.pid);
		break;
	case EXAMINE_VERSIONS:
		tell_versions(a);
		break;
	}
	report_new(a, x);
}

static void take_answer(struct app *a, const struct examination *x)
{
	if (x->kind == EXAMINE_VERSIONS && x->found_cnt) {
		memcpy(x->found[0]->version, x->version, sizeof(x->version));
		return;
	}
	for (size_t i = 0; i < x->found_cnt; i++)
		pipeline_know_target(&a->pipeline, x->found[i]);
	if (x->again)
		rescan_add(&a->rescan, x->event.pid, app_now_ns());
	loaders_let_go(a, &x->event);
}

void targets_take_answers(struct app *a)
{
	struct examination *x;

	while ((x = examiner_next(&a->examiner))) {
		take_answer(a, x);
		examination_free(x);
	}
}

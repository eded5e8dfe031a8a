// SPDX-License-Identifier: BSD-2-Clause
/*
 * The phases of a run, in an order that loses nothing:
 *
 *   outputs open → kernel side loaded → command forked, waiting → libraries probed →
 *   ready, command let go → loop → probes off → ring drained → connections ended → summary
 *
 * Most of the time before "ready" is the kernel's, which verifies programs: so a thread looks for
 * libraries meanwhile, and another one loads the larger part of the programs.
 */
#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "attach/privilege.h"
#include "attach/receiving.h"
#include "attach/side_by_side.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "ctl.h"
#include "ctl_socket.h"
#include "discover/program.h"
#include "filters.h"
#include "loop.h"
#include "model/connection.h"
#include "now.h"
#include "base/priority.h"
#include "state.h"
#include "targets.h"

static int open_outputs(struct app *a, struct error *ret_error)
{
	const struct app_options *opt = a->opt;
	struct sink_options sink_opt = {
		.force = opt->force,
		.color = opt->color,
		.width = opt->terminal_width,
	};
	int r = sink_set_use_queue(&a->pipeline.sinks, opt->queue_size);

	if (r < 0)
		return error_set_errno(ret_error, r, "cannot open outputs");
	if (!opt->output_cnt)
		return sink_set_open(&a->pipeline.sinks, "terminal:", &sink_opt, ret_error);
	sink_set_expect_bursts(&a->pipeline.sinks);
	for (size_t i = 0; i < opt->output_cnt; i++) {
		r = sink_set_open(&a->pipeline.sinks, opt->outputs[i], &sink_opt, ret_error);
		if (r < 0)
			return r;
	}
	return 0;
}

bool app_is_whole_machine(const struct app_options *opt)
{
	return !opt->pid_cnt && !opt->command;
}

/*
 * Only programs that were named may be stopped, or held when the ring fills, never the whole
 * machine's: whoever reads our outputs may use TLS himself, and would wait for us as we do for him.
 */
static uint32_t pause_when(const struct app_options *opt)
{
	if (opt->no_pause || app_is_whole_machine(opt))
		return PAUSE_NEVER;
	return opt->slow ? PAUSE_WHEN_FILLING : PAUSE_FOR_LONG_CALLS;
}

/* Waiting for an output is no reason to let programs go on. */
static void show_life(void *user)
{
	struct app *a = user;

	kernel_side_beat(a->kernel);
}

static int open_kernel(struct app *a, struct error *ret_error)
{
	struct kernel_side_options opt = {
		.ring_size = a->opt->ring_size,
		.watch_all = app_is_whole_machine(a->opt) && !filters_has_process_words(a->opt),
		.pause = pause_when(a->opt),
		.forbidden = a->opt->forbidden,
		.no_children = a->opt->no_children,
		.hold = !a->opt->no_pause,
		.asks_traits = filters_has_process_words(a->opt),
	};
	int r = filters_take_conn_rules(a, ret_error);

	if (r < 0)
		return r;
	if (!conn_rules_is_empty(&a->conn_rules)) {
		opt.conn_rules = &a->conn_rules;
		r = pipeline_filter_conns(&a->pipeline, conn_rules_verdict(&a->conn_rules, 0, 0));
	}
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot start");
	r = kernel_side_open(&opt, &a->kernel, ret_error);
	if (r < 0)
		return r;
	if (a->opt->pid_cnt || app_is_whole_machine(a->opt))
		receiving_of_all(kernel_side_receiving(a->kernel), app_now_ns());
	r = ring_open(kernel_side_ring_fd(a->kernel), kernel_side_ring_size(a->kernel), &a->ring);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot map the ring buffer");
	r = ring_open(kernel_side_exec_ring_fd(a->kernel), kernel_side_exec_ring_size(a->kernel),
		      &a->exec_ring);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot map the ring buffer");
	pausing_init(&a->pausing, a->kernel, a->ring);
	sink_set_tell_waiting(&a->pipeline.sinks, show_life, a);
	return 0;
}

static int start_command(struct app *a, const char *program, struct error *ret_error)
{
	int r = command_start(&a->command, program, a->opt->command, ret_error);

	if (r < 0)
		return r;
	r = kernel_side_watch(a->kernel, a->command.pid);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot watch %s", program);
	return 0;
}

/* Where only one process is ever watched, no other needs to have the probes. */
static void restrict_probes(struct app *a)
{
	if (!a->opt->no_children)
		return;
	if (a->opt->command)
		kernel_side_restrict(a->kernel, a->command.pid);
	else if (a->opt->pid_cnt == 1)
		kernel_side_restrict(a->kernel, a->opt->pids[0]);
}

static int let_command_go(struct app *a, const char *program, struct error *ret_error)
{
	struct error err = { 0 };
	int r;

	/* It has been looked at; and nobody would, as we wait for it here. */
	kernel_side_expect_exec(a->kernel, a->command.pid);
	r = command_go(&a->command, &err);
	kernel_side_expect_exec(a->kernel, 0);
	if (r < 0)
		return error_set(ret_error, r, "cannot run %s: %s", program, err.text);
	return 0;
}

static void say_ready(struct app *a)
{
	int fd = a->opt->ready_fd;

	log_say(LOG_INFO, "ready after %llu ms",
		(unsigned long long)((app_now_ns() - a->start_ns) / 1000000));
	if (fd < 0)
		return;
	if (write(fd, "\n", 1) < 0)
		log_say(LOG_WARNING, "cannot tell descriptor %d that plaintap is ready", fd);
	close(fd);
}

static void conn_of_capture(void *user, pid_t pid, const struct conn_state *state)
{
	struct app *a = user;
	struct conn_closing closing = kernel_tables_closing(a->kernel, state);

	collect_conn_state(&a->pipeline.collector, pid, state, CONN_END_CAPTURE, &closing, 0);
}

static void conn_freed(void *user, const struct unsent_end *end)
{
	struct app *a = user;

	collect_unsent_end(&a->pipeline.collector, end);
}

static void stop_examiner(void *user)
{
	struct app *a = user;

	examiner_stop(&a->examiner);
}

/* Before Linux 6.13 a probe that it places may have to wait for threads that wait for room. */
static void stop_examiner_and_make_room(struct app *a)
{
	if (!a->opt->slow || !side_by_side_with(stop_examiner, a, loop_make_room, a))
		stop_examiner(a);
}

/* No probe fires any more: what is in the ring and the tables is all there will be. */
static void collect_the_rest(struct app *a)
{
	struct kernel_stats stats;

	/* Who waits for the examiner goes on. */
	kernel_side_release_held(a->kernel);
	stop_examiner_and_make_room(a);
	targets_take_answers(a);
	kernel_side_detach(a->kernel, loop_make_room, a);
	loaders_say_holds(a);
	execs_say_waits(a);
	loop_drain(a);
	leaving_end(a, UINT64_MAX);
	pausing_release(&a->pausing, true);
	kernel_tables_take_unsent_ends(a->kernel, conn_freed, a);
	kernel_tables_take_conns(a->kernel, 0, 0, conn_of_capture, a);
	if (kernel_tables_stats(a->kernel, &stats) == 0)
		collect_kernel_stats(&a->pipeline.collector, &stats);
}

static void say_why_nothing_was_seen(struct app *a, const char *program)
{
	struct buf why;

	if (!program || a->pipeline.counters.stream.connections || a->findings.tls_cnt)
		return;
	buf_init(&why, 700);
	process_findings_explain(&a->findings, &why);
	buf_append_byte(&why, '\0');
	log_say(LOG_WARNING,
		"nothing was seen: %s loads no TLS library that plaintap knows at its start: %s",
		program, why.len ? (const char *)why.data : "");
	buf_done(&why);
}

static int resolve_command(struct app *a, char **ret_program, struct error *ret_error)
{
	if (!a->opt->command)
		return 0;
	return program_resolve(a->opt->command[0], getenv("PATH"), ret_program, ret_error);
}

static int prepare(struct app *a, char **ret_program, struct error *ret_error)
{
	int r = resolve_command(a, ret_program, ret_error);

	if (!r)
		r = privilege_check(ret_error);
	if (!r)
		r = open_outputs(a, ret_error);
	if (!r)
		r = loop_open(a, ret_error);
	if (!r)
		targets_look_ahead(a, *ret_program);
	if (!r)
		r = open_kernel(a, ret_error);
	if (!r)
		r = filters_apply(a, ret_error);
	if (!r && *ret_program)
		r = start_command(a, *ret_program, ret_error);
	if (!r)
		r = ctl_open(a, ret_error);
	if (!r)
		restrict_probes(a);
	if (!r)
		r = targets_attach_all(a, *ret_program, ret_error);
	return r;
}

static int run(struct app *a, struct error *ret_error)
{
	CLEANUP_FREE char *program = NULL;
	int r;

	if (a->opt->ready_fd >= 0)
		fcntl(a->opt->ready_fd, F_SETFD, FD_CLOEXEC);
	r = prepare(a, &program, ret_error);
	if (r < 0) {
		targets_wait(a);
		return r;
	}
	r = examiner_start(&a->examiner, targets_examine, a);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot start");
	priority_set(0, PRIORITY_DRAIN);
	seat_open(&a->seat, kernel_tables_cpu_cnt());
	say_ready(a);
	if (program)
		r = let_command_go(a, program, ret_error);
	if (r < 0)
		return r;
	targets_order_versions(a);
	loop_run(a);
	collect_the_rest(a);
	pipeline_end_connections(&a->pipeline);
	filters_say_removed(a);
	say_why_nothing_was_seen(a, program);
	return 0;
}

/* An output may have failed as late as with its last bytes. */
static int finish(struct app *a, struct error *ret_error)
{
	const struct error *failure = &a->pipeline.sinks.first_failure;
	const struct counters *c = &a->pipeline.counters;

	pipeline_finish(&a->pipeline);
	if (c->sink.waits)
		log_say(LOG_INFO,
			"the outputs were too slow for the queue (--queue) %llu times, %llu ms in "
			"all",
			(unsigned long long)c->sink.waits,
			(unsigned long long)(c->sink.wait_ns / 1000000));
	if (!failure->code)
		return 0;
	return error_set(ret_error, failure->code, "%s", failure->text);
}

int app_feature_bit(struct str name)
{
	return feature_from_name(name);
}

bool app_is_lossless(const struct app_result *result)
{
	const struct counters *c = &result->counters;

	return result->balanced && !counters_lost_bytes(c) && !c->kernel.states_dropped &&
	       !c->kernel.ends_dropped && !c->collect.records_invalid && !c->exchange.no_memory &&
	       !c->sink.failures;
}

static void fill_result(struct app *a, struct app_result *ret)
{
	ret->has_command_status = a->command.ended;
	ret->command_status = a->command.status;
	ret->counters = a->pipeline.counters;
	ret->balanced = counters_balanced(&ret->counters);
}

static void app_done(struct app *a)
{
	ctl_socket_close(a->ctl);
	leaving_done(&a->leaving);
	command_done(&a->command);
	pipeline_done(&a->pipeline);
	pausing_done(&a->pausing);
	ring_close(a->ring);
	ring_close(a->exec_ring);
	kernel_side_close(a->kernel);
	loop_close(a);
	seat_close(&a->seat);
	examiner_done(&a->examiner);
	target_list_done(&a->targets);
	process_findings_done(&a->findings);
}

int app_run(const struct app_options *opt, struct app_result *ret, struct error *ret_error)
{
	struct app a = { .opt = opt, .signal_fd = -1, .epoll_fd = -1 };
	struct pipeline_watcher watcher = {
		.process = loop_process_changed,
		.conn_opened = loop_conn_opened,
		.pending = loop_take_pending,
		.loaded = loop_loaded,
		.user = &a,
	};
	int r;

	a.start_ns = app_now_ns();
	*ret = (struct app_result){ 0 };
	command_init(&a.command);
	target_list_init(&a.targets);
	a.targets.plain = opt->plain_placement;
	process_findings_init(&a.findings);
	r = pipeline_init(&a.pipeline, &watcher, opt->body_limit);
	if (r < 0)
		error_set_errno(ret_error, r, "cannot start");
	else
		r = run(&a, ret_error);
	if (r < 0)
		pipeline_finish(&a.pipeline);
	else
		r = finish(&a, ret_error);
	fill_result(&a, ret);
	app_done(&a);
	return r;
}

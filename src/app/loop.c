// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waking the consumer costs the traced program more than copying its data, so the consumer looks
 * by itself: while there is traffic it naps for NAP_MS between two drains (and is woken only when
 * the ring fills meanwhile); after IDLE_NAPS empty ones it sleeps until the next record's producer
 * wakes it, which costs that one call a little. What is captured waits in the batches of the
 * outputs for FLUSH_MS: writing a little after each nap takes a processor from who is traced.
 * SLEEP_MS bounds the rare sleep whose wake-up was missed in between.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "attach/receiving.h"
#include "base/log.h"
#include "ctl.h"
#include "ctl_socket.h"
#include "examiner.h"
#include "model/connection.h"
#include "model/process.h"
#include "now.h"
#include "state.h"
#include "targets.h"

enum {
	NAP_MS = 2,
	IDLE_NAPS = 25,
	SLEEP_MS = 200,
	FLUSH_MS = 20,
	ENDING_NAP_NS = 200000,
	DRAIN_MAX = 4096, /* records between two looks at the signals */
	RELEASE_PART = 8,
	BUSY_PART =
		16, /* of the ring: filled so far during a drain, the next one follows at once */
};

#define MS_NS		 UINT64_C(1000000)
#define SECOND_NS	 UINT64_C(1000000000)
#define COMMAND_GRACE_NS (2 * SECOND_NS)

static int watch_fd(int epoll_fd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int loop_open(struct app *a, struct error *ret_error)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Both come back as errors of write(), which are told. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a->signal_fd < 0 || a->epoll_fd < 0)
		return error_set_errno(ret_error, -errno, "cannot set up the event loop");
	r = watch_fd(a->epoll_fd, a->signal_fd);
	return r < 0 ? error_set_errno(ret_error, r, "cannot set up the event loop") : 0;
}

void loop_close(struct app *a)
{
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	if (a->signal_fd >= 0)
		close(a->signal_fd);
}

/* ^C on a terminal has reached the command too, and it may mean to go on: a second one ends us. */
static void interrupted_at_terminal(struct app *a, uint64_t now)
{
	if (!a->last_interrupt_ns || now - a->last_interrupt_ns > SECOND_NS) {
		a->last_interrupt_ns = now;
		return;
	}
	a->stop = true;
}

static void told_to_end(struct app *a, const struct signalfd_siginfo *info)
{
	uint64_t now = app_now_ns();

	if (!a->command.pid || a->command.ended || a->give_up_ns) {
		a->stop = true;
		return;
	}
	if (info->ssi_signo == SIGINT && info->ssi_code == SI_KERNEL) {
		interrupted_at_terminal(a, now);
		return;
	}
	/* Only plaintap was told: the command is to end, and its end is to be seen. */
	kill(a->command.pid, (int)info->ssi_signo);
	a->give_up_ns = now + COMMAND_GRACE_NS;
}

static void take_signals(struct app *a)
{
	struct signalfd_siginfo info;

	while (read(a->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			told_to_end(a, &info);
			continue;
		}
		command_reap(&a->command);
		if (a->command.ended)
			a->stop = true;
	}
}

/* With processes given, the run is over when the last watched one has ended. */
static void stop_if_nobody_left(struct app *a)
{
	if (a->opt->pid_cnt && !a->command.pid && !kernel_side_watched_cnt(a->kernel, 1))
		a->stop = true;
}

struct ended_process {
	struct app *app;
	int status; /* as of struct conn_ending */
};

static void conn_of_ended_process(void *user, pid_t pid, const struct conn_state *state)
{
	const struct ended_process *p = user;
	struct conn_closing closing = kernel_tables_closing(p->app->kernel, state);

	collect_conn_state(&p->app->pipeline.collector, pid, state, CONN_END_PROCESS, &closing,
			   p->status);
}

static void look_at_what_is_received(struct app *a, const struct load_event *e)
{
	receiving_of_process(kernel_side_receiving(a->kernel), e->pid, app_now_ns());
	if (e->is_held)
		kernel_side_let_go(a->kernel, e->pid, e->tid, e->monotonic_ns);
}

void loop_loaded(void *user, const struct load_event *e)
{
	static const enum examination_kind kinds[] = {
		[LOADED_FILES] = EXAMINE_PROCESS,
		[LOAD_BEFORE_FORK] = EXAMINE_FORK,
		[LOAD_BEFORE_EXEC] = EXAMINE_EXEC,
	};

	if (e->kind == LOAD_RECEIVES)
		look_at_what_is_received(user, e);
	else
		targets_order(user, kinds[e->kind], e);
}

void loop_process_changed(void *user, const struct process_change *change)
{
	struct app *a = user;
	struct ended_process ended = { a, change->status };

	if (change->unasked)
		targets_order_process(a, EXAMINE_FORKED, change->pid);
	if (change->event == PROCESS_FORKED)
		return;
	if (change->event == PROCESS_EXECUTED)
		ended.status = CONN_STATUS_EXECUTED;
	kernel_tables_take_conns(a->kernel, change->pid, change->monotonic_ns,
				 conn_of_ended_process, &ended);
	if (change->event == PROCESS_EXECUTED) {
		targets_order_process(a, EXAMINE_EXECUTED, change->pid);
		return;
	}
	rescan_remove(&a->rescan, change->pid);
	pausing_forget(&a->pausing, change->pid);
	stop_if_nobody_left(a);
}

void loop_conn_opened(void *user, const struct connection *c)
{
	struct app *a = user;
	struct loop_uses *u = &a->uses;

	if (u->cnt < LOOP_USE_MAX)
		u->items[u->cnt++] = (struct loop_use){ c->library_id, c->process->pid };
}

void loop_take_pending(void *user, const struct pending_call *call)
{
	struct app *a = user;
	const struct chunk *c = &call->chunk;

	if (pipeline_has_passed(&a->pipeline, c))
		pausing_take_again(&a->pausing, call);
	else
		pausing_take(&a->pausing, &a->pipeline.collector, call);
}

void loop_drain(struct app *a)
{
	while (ring_drain(a->ring, SIZE_MAX, collect_record, &a->pipeline.collector))
		;
}

void loop_make_room(void *user)
{
	const struct timespec nap = { .tv_nsec = ENDING_NAP_NS };
	struct app *a = user;

	kernel_side_beat(a->kernel);
	if (!ring_drain(a->ring, DRAIN_MAX, collect_record, &a->pipeline.collector))
		nanosleep(&nap, NULL);
}

/* Stopped processes may go on once most of the ring is free. */
static void release_paused(struct app *a)
{
	if (kernel_side_control(a->kernel)->pause != PAUSE_NEVER &&
	    ring_used(a->ring) < kernel_side_ring_size(a->kernel) / RELEASE_PART)
		pausing_release(&a->pausing, a->idle_cnt >= IDLE_NAPS);
}

static void tell_kernel(struct app *a, enum consumer_state state)
{
	__atomic_store_n(&kernel_side_control(a->kernel)->consumer, state, __ATOMIC_SEQ_CST);
}

/* What the examiner works on is left alone meanwhile; it does not take long. */
static void use_what_is_probed(struct app *a, uint64_t now)
{
	struct loop_uses *u = &a->uses;

	if (!examiner_try(&a->examiner))
		return;
	for (size_t i = 0; i < u->cnt; i++)
		kernel_side_used_by(a->kernel, u->items[i].library, u->items[i].pid);
	u->cnt = 0;
	kernel_side_check(a->kernel, now);
	ctl_serve(a, now);
	examiner_release(&a->examiner);
}

static void do_housekeeping(struct app *a)
{
	uint64_t now = app_now_ns();
	pid_t pid;

	release_paused(a);
	receiving_look(kernel_side_receiving(a->kernel), now);
	kernel_side_beat(a->kernel);
	targets_take_answers(a);
	if (examiner_is_at_work(&a->examiner, now))
		kernel_side_show_work(a->kernel);
	use_what_is_probed(a, now);
	while (rescan_next(&a->rescan, now, &pid))
		targets_order_process(a, EXAMINE_PROCESS, pid);
	if (a->give_up_ns && now >= a->give_up_ns) {
		log_say(LOG_WARNING, "the command has not ended: leaving it running");
		a->stop = true;
	}
	if (sink_set_is_dead(&a->pipeline.sinks) && !a->command.pid)
		a->stop = true;
}

static void wait_for_events(struct app *a, int timeout_ms)
{
	struct epoll_event events[4];

	epoll_wait(a->epoll_fd, events, 4, timeout_ms);
	take_signals(a);
}

static void flush(struct app *a, uint64_t now)
{
	a->flushed_ns = now;
	sink_set_flush(&a->pipeline.sinks);
}

static void nap(struct app *a)
{
	uint64_t now = app_now_ns();

	if (now - a->flushed_ns >= FLUSH_MS * MS_NS)
		flush(a, now);
	else
		sink_set_start(&a->pipeline.sinks);
	seat_look(&a->seat, a->kernel, now);
	tell_kernel(a, CONSUMER_NAPPING);
	wait_for_events(a, NAP_MS);
	tell_kernel(a, CONSUMER_AWAKE);
}

/* A record that came between the last drain and the telling wakes nobody: so look again. */
static void sleep_until_woken(struct app *a)
{
	/* An output that was flushed may have failed since. */
	flush(a, app_now_ns());
	sink_set_trim(&a->pipeline.sinks);
	tell_kernel(a, CONSUMER_ASLEEP);
	if (ring_is_empty(a->ring))
		wait_for_events(a, rescan_wait_ms(&a->rescan, app_now_ns(), SLEEP_MS));
	tell_kernel(a, CONSUMER_AWAKE);
	stop_if_nobody_left(a);
}

void loop_run(struct app *a)
{
	if (watch_fd(a->epoll_fd, kernel_side_ring_fd(a->kernel)) < 0)
		log_say(LOG_DEBUG, "the ring cannot be waited for: polling it");
	if (watch_fd(a->epoll_fd, kernel_side_exec_ring_fd(a->kernel)) < 0)
		log_say(LOG_DEBUG, "programs that are executed cannot be waited for");
	if (watch_fd(a->epoll_fd, a->examiner.event_fd) < 0)
		log_say(LOG_DEBUG, "what is found cannot be waited for: looking for it");
	if (a->ctl && watch_fd(a->epoll_fd, ctl_socket_fd(a->ctl)) < 0)
		log_say(LOG_DEBUG, "orders cannot be waited for: looking for them");
	while (!a->stop) {
		size_t cnt;

		ring_drain(a->exec_ring, SIZE_MAX, collect_record, &a->pipeline.collector);
		cnt = ring_drain(a->ring, DRAIN_MAX, collect_record, &a->pipeline.collector);
		do_housekeeping(a);
		if (a->stop)
			break;
		if (cnt) {
			a->idle_cnt = 0;
			take_signals(a);
			/* Looking all the time would slow down who fills the ring. */
			if (ring_used(a->ring) > kernel_side_ring_size(a->kernel) / BUSY_PART)
				continue;
			nap(a);
		} else if (++a->idle_cnt < IDLE_NAPS) {
			nap(a);
		} else {
			sleep_until_woken(a);
		}
	}
}

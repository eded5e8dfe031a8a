// SPDX-License-Identifier: BSD-2-Clause
#include "pausing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "base/log.h"
#include "collect/ring.h"
#include "now.h"
#include "sent_file.h"

enum {
	READ_LEN = 256 << 10,
	STOP_WAIT_STEP_NS = 50000,
	STOP_WAIT_MAX_NS = 500000000,
	PAUSING_WAIT_NS = 100000
};

struct paused_process {
	uint64_t answered_cnt; /* pending calls that were dealt with */
	uint64_t handled_cnt;  /* stop_cnt when it was last let go */
	uint64_t released_seq; /* release_seq after that; 0: never */
};

void pausing_init(struct pausing *p, struct kernel_side *kernel, const struct ring *ring)
{
	*p = (struct pausing){ .kernel = kernel, .ring = ring };
	map_init(&p->paused);
}

static struct paused_process *process_of(struct pausing *p, pid_t pid)
{
	struct paused_process *process = map_get(&p->paused, (uint64_t)pid);

	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (process && map_put(&p->paused, (uint64_t)pid, process) < 0) {
		free(process);
		return NULL;
	}
	return process;
}

/* The state letter of a thread as /proc gives it, 0 when it has gone. */
static char thread_state(pid_t pid, pid_t tid)
{
	char path[64], text[512];
	const char *end;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	/* The name before it may hold anything, parentheses too. */
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

/* The stop takes effect when the thread is about to return to its program: very soon. */
static bool wait_until_stopped(pid_t pid, pid_t tid)
{
	const struct timespec step = { .tv_nsec = STOP_WAIT_STEP_NS };
	uint64_t begin = app_now_ns();

	for (;;) {
		char state = thread_state(pid, tid);

		if (state == 'T' || state == 't')
			return true;
		if (!state || state == 'Z' || state == 'X' ||
		    app_now_ns() - begin > STOP_WAIT_MAX_NS)
			return false;
		nanosleep(&step, NULL);
	}
}

static bool is_held(const struct pending_call *call)
{
	return call->where == PENDING_IN_MEMORY_HELD || call->where == PENDING_IN_FILE_HELD;
}

/*
 * Read is what was there before; it counts only if the thread has not gone on meanwhile. A process
 * that was stopped is known to stand.
 */
static bool still_stands(const struct pausing *p, const struct pending_call *call)
{
	return !is_held(call) ||
	       kernel_side_is_held(p->kernel, call->chunk.pid, call->chunk.tid, call->monotonic_ns);
}

/* Returns how many bytes could be had. */
static uint64_t read_memory(struct pausing *p, struct collector *c, struct pending_call *call)
{
	uint64_t done = 0;

	while (done < call->len) {
		uint64_t left = call->len - done;
		struct iovec to = { p->buffer, left < READ_LEN ? (size_t)left : READ_LEN };
		struct iovec from = { (void *)(uintptr_t)(call->user_addr + done), to.iov_len };
		ssize_t n = process_vm_readv(call->chunk.pid, &to, 1, &from, 1, 0);

		if (n <= 0 || !still_stands(p, call))
			break;
		collect_pending_bytes(c, call, p->buffer, (size_t)n);
		done += (uint64_t)n;
	}
	return done;
}

static int identify_file(void *kernel, int fd, struct file_id *ret)
{
	return kernel_side_identify_file(kernel, fd, ret);
}

/* What is in memory may be trusted only while the process stands; a file can be checked. */
static uint64_t read_call(struct pausing *p, struct collector *c, struct pending_call *call,
			  bool stopped)
{
	struct sent_file_reader reader = {
		.identify = identify_file,
		.user = p->kernel,
		.buffer = p->buffer,
		.buffer_len = READ_LEN,
	};

	if (call->where != PENDING_IN_MEMORY && call->where != PENDING_IN_MEMORY_HELD)
		return sent_file_read(&reader, c, call, stopped);
	return stopped ? read_memory(p, c, call) : 0;
}

static bool stands_by_now(const struct pausing *p, const struct pending_call *call)
{
	return is_held(call) ? still_stands(p, call)
			     : wait_until_stopped(call->chunk.pid, call->chunk.tid);
}

/* The bytes of a call of which no other record follows; `stands` is false: it may be running. */
static void take_bytes(struct pausing *p, struct collector *c, const struct pending_call *call,
		       bool stands)
{
	struct pending_call rest = *call;
	uint64_t done = 0;

	if (!p->buffer)
		p->buffer = malloc(READ_LEN);
	if (p->buffer)
		done = read_call(p, c, &rest, stands && stands_by_now(p, call));
	if (done < call->len)
		collect_pending_missing(c, &rest, call->len - done);
}

/* A stop that was asked for while a process was let go may have been undone. */
static bool is_void(const struct paused_process *process, const struct pending_call *call)
{
	return (call->release_seq & 1) || call->release_seq < process->released_seq;
}

static void let_go(struct pausing *p, const struct pending_call *call)
{
	kernel_side_let_go(p->kernel, call->chunk.pid, call->chunk.tid, call->monotonic_ns);
	p->cnt++;
}

void pausing_take(struct pausing *p, struct collector *c, const struct pending_call *call)
{
	struct paused_process *process;
	bool stands;

	if (call->where == PENDING_IN_FILE_RUNNING || is_held(call)) {
		take_bytes(p, c, call, is_held(call));
		if (is_held(call))
			let_go(p, call);
		return;
	}
	process = process_of(p, call->chunk.pid);
	stands = process && !is_void(process, call);
	if (process)
		process->answered_cnt++;
	if (stands || call->last_try)
		take_bytes(p, c, call, stands);
}

void pausing_take_again(struct pausing *p, const struct pending_call *call)
{
	struct paused_process *process;

	if (is_held(call)) {
		let_go(p, call);
		return;
	}
	process = process_of(p, call->chunk.pid);
	if (process)
		process->answered_cnt++;
}

/* All that comes after it is seen after it: an atomic addition alone is no such fence on arm64. */
static uint64_t next_seq(struct pausing *p)
{
	uint64_t seq = __atomic_add_fetch(&kernel_side_control(p->kernel)->release_seq, 1,
					  __ATOMIC_SEQ_CST);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return seq;
}

enum release_what {
	RELEASE_ANSWERED, /* of which nothing is pending */
	RELEASE_ALL_IF_EMPTY,
	RELEASE_ALL,
};

/*
 * To be asked while the number is odd: a record that comes later is told again, as the kernel side
 * then sees the number; one that is in the ring is not, so its process must stay stopped.
 */
static bool may_release(const struct pausing *p, const struct paused_process *process,
			const struct pause_state *state, enum release_what what)
{
	return state->pending_cnt <= process->answered_cnt || what == RELEASE_ALL ||
	       (what == RELEASE_ALL_IF_EMPTY && ring_is_empty(p->ring));
}

/*
 * The counts are looked at, and the process let go, while the number is odd: see pause.bpf.h. A
 * thread that is let go may want this processor at once, and then wait in the kernel side for the
 * number to be even again, without giving the processor back: PRIORITY_DRAIN lets nothing
 * ordinary between.
 */
static void release(struct pausing *p, struct paused_process *process, pid_t pid,
		    enum release_what what)
{
	struct pause_state state;

	next_seq(p);
	if (kernel_side_pause_state(p->kernel, pid, &state) == 0 &&
	    may_release(p, process, &state, what)) {
		process->handled_cnt = state.stop_cnt;
		kill(pid, SIGCONT);
		process->released_seq = next_seq(p);
		p->cnt++;
	} else {
		next_seq(p);
	}
}

struct release_walk {
	struct pausing *pausing;
	enum release_what what;
};

static void release_if_stopped(void *user, pid_t pid, const struct pause_state *state)
{
	struct release_walk *w = user;
	struct paused_process *process = process_of(w->pausing, pid);

	if (!process)
		kill(pid, SIGCONT);
	else if (state->stop_cnt != process->handled_cnt)
		release(w->pausing, process, pid, w->what);
}

void pausing_release(struct pausing *p, bool nothing_comes)
{
	struct release_walk w = { .pausing = p,
				  .what = nothing_comes ? RELEASE_ALL_IF_EMPTY : RELEASE_ANSWERED };

	kernel_side_each_paused(p->kernel, release_if_stopped, &w);
}

void pausing_forget(struct pausing *p, pid_t pid)
{
	free(map_remove(&p->paused, (uint64_t)pid));
	kernel_side_forget_paused(p->kernel, pid);
}

static void say_how_often(const struct pausing *p)
{
	uint64_t cnt = p->cnt;

	if (p->kernel)
		cnt += kernel_side_control(p->kernel)->room_waits;
	if (cnt)
		log_say(LOG_INFO, "programs were paused %llu times so that nothing is lost",
			(unsigned long long)cnt);
}

void pausing_done(struct pausing *p)
{
	struct release_walk w = { .pausing = p, .what = RELEASE_ALL };
	uint64_t pid;
	void *process;
	size_t pos = 0;

	if (p->kernel)
		kernel_side_each_paused(p->kernel, release_if_stopped, &w);
	say_how_often(p);
	while (map_next(&p->paused, &pos, &pid, &process))
		free(process);
	map_done(&p->paused);
	free(p->buffer);
}

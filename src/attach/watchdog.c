// SPDX-License-Identifier: BSD-2-Clause
#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "records.h"

/* A stop that was under way when plaintap died may come a moment later: so look for a while. */
enum { SWEEP_CNT = 200, SWEEP_STEP_NS = 10000000 };

typedef void (*paused_fn)(uint32_t pid, const struct pause_state *state, uint64_t *sum);

static void each_paused(int paused_fd, paused_fn fn, uint64_t *sum)
{
	struct pause_state state;
	uint32_t pid, *before = NULL, last;

	while (!bpf_map_get_next_key(paused_fd, before, &pid)) {
		if (!bpf_map_lookup_elem(paused_fd, &pid, &state))
			fn(pid, &state, sum);
		last = pid;
		before = &last;
	}
}

static void add_stops(uint32_t pid, const struct pause_state *state, uint64_t *sum)
{
	(void)pid;
	*sum += state->stop_cnt;
}

static void let_go(uint32_t pid, const struct pause_state *state, uint64_t *sum)
{
	(void)state;
	(void)sum;
	kill((pid_t)pid, SIGCONT);
}

/*
 * A stop is counted after its signal: so if nothing was counted since all were let go, none came
 * later. Entries stay, as a stop may be counting in one. Threads that wait look for the word
 * themselves, and so does who is about to.
 */
static void sweep(int paused_fd, struct capture_control *control)
{
	const struct timespec step = { .tv_nsec = SWEEP_STEP_NS };
	uint64_t seen = UINT64_MAX;

	__atomic_store_n(&control->hold, HOLD_OFF, __ATOMIC_SEQ_CST);
	for (int i = 0; i < SWEEP_CNT; i++) {
		uint64_t sum = 0;

		each_paused(paused_fd, add_stops, &sum);
		if (sum != seen)
			each_paused(paused_fd, let_go, NULL);
		seen = sum;
		nanosleep(&step, NULL);
	}
}

/*
 * Signals of the terminal are for plaintap, whose end is all that counts here. It shows by the lock
 * that plaintap holds: the kernel gives that up before it closes the descriptors of a process that
 * is killed, which may take a while, as it waits at each link for the threads in its probes.
 */
__attribute__((noreturn)) static void run(pthread_mutex_t *lock, int paused_fd,
					  struct capture_control *control)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "plaintap-watch");
	setsid();
	/* Keeps just this one, at 0. */
	if (dup2(paused_fd, 0) < 0)
		_exit(1);
	syscall(SYS_close_range, 1, ~0u, 0);
	/* An orderly end gives it up itself. */
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		sweep(0, control);
	_exit(0);
}

static int make_lock(pthread_mutex_t **ret)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t *lock = mmap(NULL, sizeof(*lock), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (lock == MAP_FAILED)
		return -errno;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	r = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (!r)
		r = pthread_mutex_lock(lock);
	if (r) {
		munmap(lock, sizeof(*lock));
		return -r;
	}
	*ret = lock;
	return 0;
}

int watchdog_start(struct watchdog *w, int paused_fd, struct capture_control *control)
{
	int r;

	*w = (struct watchdog){ 0 };
	r = make_lock(&w->lock);
	if (r < 0)
		return r;
	w->pid = fork();
	if (w->pid == 0)
		run(w->lock, paused_fd, control);
	if (w->pid > 0)
		return 0;
	r = -errno;
	w->pid = 0;
	munmap(w->lock, sizeof(*w->lock));
	return r;
}

void watchdog_stop(struct watchdog *w)
{
	if (!w->pid)
		return;
	pthread_mutex_unlock(w->lock);
	waitpid(w->pid, NULL, 0);
	munmap(w->lock, sizeof(*w->lock));
	w->pid = 0;
}

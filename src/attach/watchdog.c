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

/* A waiting thread looks for its entry. */
static void let_go_held(int held_fd)
{
	uint64_t thread;

	while (!bpf_map_get_next_key(held_fd, NULL, &thread))
		if (bpf_map_delete_elem(held_fd, &thread) < 0)
			break;
}

static void sweep(int paused_fd, int held_fd)
{
	const struct timespec step = { .tv_nsec = SWEEP_STEP_NS };
	uint32_t pid;

	for (int i = 0; i < SWEEP_CNT; i++) {
		let_go_held(held_fd);
		while (!bpf_map_get_next_key(paused_fd, NULL, &pid)) {
			if (bpf_map_delete_elem(paused_fd, &pid) < 0)
				break;
			kill((pid_t)pid, SIGCONT);
		}
		nanosleep(&step, NULL);
	}
}

/*
 * Signals of the terminal are for plaintap, whose end is all that counts here. It shows by the lock
 * that plaintap holds: the kernel gives that up before it closes the descriptors of a process that
 * is killed, which may take a while, as it waits at each link for the threads in its probes.
 */
__attribute__((noreturn)) static void run(pthread_mutex_t *lock, int paused_fd, int held_fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "plaintap-watch");
	setsid();
	/* Keeps just these two, at 0 and 1. */
	if (dup2(paused_fd, 0) < 0 || dup2(held_fd, 1) < 0)
		_exit(1);
	syscall(SYS_close_range, 2, ~0u, 0);
	/* An orderly end gives it up itself. */
	if (pthread_mutex_lock(lock) == EOWNERDEAD)
		sweep(0, 1);
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

int watchdog_start(struct watchdog *w, int paused_fd, int held_fd)
{
	int r;

	*w = (struct watchdog){ 0 };
	r = make_lock(&w->lock);
	if (r < 0)
		return r;
	w->pid = fork();
	if (w->pid == 0)
		run(w->lock, paused_fd, held_fd);
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

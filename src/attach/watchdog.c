// SPDX-License-Identifier: BSD-2-Clause
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "records.h"

/* A stop that was under way when plaintap died may come a moment later: so look for a while. */
enum { SWEEP_CNT = 200, SWEEP_STEP_NS = 10000000 };

static void sweep(int paused_fd)
{
	const struct timespec step = { .tv_nsec = SWEEP_STEP_NS };
	uint32_t pid;

	for (int i = 0; i < SWEEP_CNT; i++) {
		while (!bpf_map_get_next_key(paused_fd, NULL, &pid)) {
			if (bpf_map_delete_elem(paused_fd, &pid) < 0)
				break;
			kill((pid_t)pid, SIGCONT);
		}
		nanosleep(&step, NULL);
	}
}

/* Signals of the terminal are for plaintap, whose end is all that counts here. */
__attribute__((noreturn)) static void run(int end_fd, int paused_fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	char byte = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "plaintap-watch");
	setsid();
	/* Keeps just these two, at 0 and 1. */
	if (dup2(end_fd, 0) < 0 || dup2(paused_fd, 1) < 0)
		_exit(1);
	syscall(SYS_close_range, 2, ~0u, 0);
	/* A byte: an orderly end, nothing to do. */
	do
		n = read(0, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	sweep(1);
	_exit(0);
}

int watchdog_start(struct watchdog *w, int paused_fd)
{
	int fds[2];
	pid_t pid;

	*w = (struct watchdog){ .end_fd = -1 };
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		run(fds[0], paused_fd);
	}
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return -errno;
	}
	w->pid = pid;
	w->end_fd = fds[1];
	return 0;
}

void watchdog_stop(struct watchdog *w)
{
	if (!w->pid)
		return;
	while (write(w->end_fd, "q", 1) < 0 && errno == EINTR)
		;
	close(w->end_fd);
	waitpid(w->pid, NULL, 0);
	w->pid = 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "parking.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "base/priority.h"
#include "capture_control.h"

enum {
	ORDERS_FD = 0,
	HELD_FD = 1,
	KEPT_MAX = 1024, /* at once */
	KEPT_LOOK_MS = 5,
	LEAVING_LOOK_NS = 25000, /* doubled with each look … */
	DOUBLINGS_MAX = 7,	 /* … up to 3.2 ms */
	LAST_LOOKS = 500,
	LET_GO_WAIT_MS = 100,
};

struct order {
	pid_t pid, tid;
	uint64_t since_ns;
	bool may_go;
};

struct kept {
	pid_t pid, tid;
	uint64_t since_ns;
	bool is_leaving; /* as soon as it stands: until then nobody can let it go */
};

/* Of the process. */
static struct kept kept[KEPT_MAX];
static size_t kept_cnt;

/* False: it does not wait any more. */
static bool end_wait(const struct order *o)
{
	uint64_t thread = (uint64_t)o->pid << 32 | (uint32_t)o->tid, since, parked = HELD_IS_PARKED;

	return !bpf_map_lookup_elem(HELD_FD, &thread, &since) && since == o->since_ns &&
	       !bpf_map_update_elem(HELD_FD, &thread, &parked, BPF_EXIST);
}

static bool is_kept(pid_t pid)
{
	for (size_t i = 0; i < kept_cnt; i++)
		if (kept[i].pid == pid)
			return true;
	return false;
}

/*
 * One of a process: if another thread of it executes a program, that waits until we have taken note
 * of the end of the one that we keep, and we would wait for that to attach to a second one.
 */
static void keep(const struct order *o)
{
	if (kept_cnt == KEPT_MAX || is_kept(o->pid) || ptrace(PTRACE_SEIZE, o->tid, NULL, NULL) < 0)
		return;
	ptrace(PTRACE_INTERRUPT, o->tid, NULL, NULL);
	kept[kept_cnt++] = (struct kept){ o->pid, o->tid, o->since_ns, !end_wait(o) };
}

static void mark(const struct order *o)
{
	for (size_t i = 0; i < kept_cnt; i++)
		if (kept[i].tid == o->tid && kept[i].since_ns == o->since_ns)
			kept[i].is_leaving = true;
}

/*
 * False: it does not stand yet. If it stands for a signal instead of for us, that is for it to
 * take.
 */
static bool detach(pid_t tid)
{
	siginfo_t info;
	long sig = 0;

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) < 0)
		return false;
	if (info.si_code >> 8 != PTRACE_EVENT_STOP)
		sig = info.si_signo;
	return ptrace(PTRACE_DETACH, tid, NULL, (void *)sig) == 0;
}

/* Whoever traces a thread must take note of its end. */
static bool has_ended(pid_t tid)
{
	int status;
	pid_t r = waitpid(tid, &status, WNOHANG | __WALL);

	return r < 0 || (r > 0 && !WIFSTOPPED(status));
}

/* Those that may go do; true: some are to be looked at again soon. */
static bool look_at_all(bool all_may_go)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	bool some_leave = false;

	for (size_t i = 0; i < kept_cnt;) {
		struct kept *k = &kept[i];

		if (all_may_go || now_ns - k->since_ns > PARKING_MAX_NS)
			k->is_leaving = true;
		if (has_ended(k->tid) || (k->is_leaving && detach(k->tid))) {
			*k = kept[--kept_cnt];
			continue;
		}
		some_leave |= k->is_leaving;
		i++;
	}
	return some_leave;
}

/* False: there will be no more. */
static bool take_orders(void)
{
	struct order o;
	ssize_t n;

	while ((n = recv(ORDERS_FD, &o, sizeof(o), MSG_DONTWAIT)) == sizeof(o)) {
		if (o.may_go)
			mark(&o);
		else
			keep(&o);
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* `looks`: how many in a row have found some that are to leave, and could not. */
static void wait_for_orders(unsigned looks)
{
	struct timespec soon = {
		.tv_nsec = LEAVING_LOOK_NS << (looks < DOUBLINGS_MAX ? looks : DOUBLINGS_MAX),
	};
	struct timespec later = { .tv_nsec = KEPT_LOOK_MS * 1000000 };
	struct pollfd orders = { .fd = ORDERS_FD, .events = POLLIN };

	ppoll(&orders, 1, looks ? &soon : kept_cnt ? &later : NULL, NULL);
}

/* Signals of the terminal are for plaintap. */
__attribute__((noreturn)) static void run(int orders_fd, int held_fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	const struct timespec last = { .tv_nsec = LEAVING_LOOK_NS << DOUBLINGS_MAX };
	unsigned looks = 0;
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "plaintap-park");
	setsid();
	priority_set(0, PRIORITY_WRITE);
	/* First out of the way of what they become. */
	orders_fd = fcntl(orders_fd, F_DUPFD, 3);
	held_fd = fcntl(held_fd, F_DUPFD, 3);
	if (dup2(orders_fd, ORDERS_FD) < 0 || dup2(held_fd, HELD_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, HELD_FD + 1, ~0u, 0);
	while (take_orders()) {
		looks = look_at_all(false) ? looks + 1 : 0;
		wait_for_orders(looks);
	}
	/* Whoever cannot be let go by then, the kernel does when we are gone. */
	for (unsigned i = 0; i < LAST_LOOKS && look_at_all(true); i++)
		nanosleep(&last, NULL);
	_exit(0);
}

int parking_start(struct parking *p, int held_fd)
{
	int ends[2];

	*p = (struct parking){ 0 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid == 0) {
		close(ends[0]);
		run(ends[1], held_fd);
	}
	close(ends[1]);
	p->fd = ends[0];
	if (p->pid > 0)
		return 0;
	p->pid = 0;
	close(ends[0]);
	return -errno;
}

void parking_stop(struct parking *p)
{
	if (!p->pid)
		return;
	close(p->fd);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

bool parking_keep(struct parking *p, pid_t pid, pid_t tid, uint64_t since_ns)
{
	const struct order o = { .pid = pid, .tid = tid, .since_ns = since_ns };

	return p->pid && send(p->fd, &o, sizeof(o), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(o);
}

/* It is not stopped for long, whatever becomes of the order. */
void parking_let_go(struct parking *p, pid_t pid, pid_t tid, uint64_t since_ns)
{
	const struct order o = { .pid = pid, .tid = tid, .since_ns = since_ns, .may_go = true };
	struct pollfd room = { .fd = p->fd, .events = POLLOUT };

	while (p->pid && send(p->fd, &o, sizeof(o), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	       errno == EAGAIN && poll(&room, 1, LET_GO_WAIT_MS) > 0)
		;
}

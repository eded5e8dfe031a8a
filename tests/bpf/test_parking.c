// SPDX-License-Identifier: BSD-2-Clause
/*
 * attach/parking.h: threads that stand still and go on, whatever becomes of them and of those that
 * keep them. The table of those that wait is made by hand; a thread is the only one of a child.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "attach/parking.h"
#include "attach/privilege.h"
#include "base/clock.h"
#include "capture_control.h"
#include "tap.h"

enum { PATIENCE_MS = 20000, STANDS_MS = 30 };

static struct parking parking;
static int held_fd;

/* What a child shows of itself. */
static struct {
	unsigned rounds, signals;
} *volatile shown;

static pid_t child;

static void count_signal(int sig)
{
	(void)sig;
	shown->signals++;
}

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static void begin(void)
{
	shown->rounds = shown->signals = 0;
	child = fork();
	if (child)
		return;
	signal(SIGUSR1, count_signal);
	for (;;) {
		__atomic_add_fetch(&shown->rounds, 1, __ATOMIC_SEQ_CST);
		usleep(100);
	}
}

static void end(void)
{
	kill(child, SIGKILL);
	INT_EQ(waitpid(child, NULL, 0), child);
}

static unsigned rounds(void)
{
	return __atomic_load_n(&shown->rounds, __ATOMIC_SEQ_CST);
}

static bool goes_on(void)
{
	unsigned before = rounds();

	for (unsigned i = 0; i < PATIENCE_MS && rounds() - before < 3; i++)
		sleep_ms(1);
	return rounds() - before >= 3;
}

/* For good, as far as that can be seen. */
static bool stands(void)
{
	unsigned before;

	for (unsigned i = 0; i < PATIENCE_MS / STANDS_MS; i++) {
		before = rounds();
		sleep_ms(STANDS_MS);
		if (rounds() == before)
			return true;
	}
	return false;
}

static uint64_t thread(void)
{
	return (uint64_t)child << 32 | (uint32_t)child;
}

/* As the kernel side does it. */
static uint64_t wait_begins(uint64_t since_ns)
{
	uint64_t key = thread();

	INT_EQ(bpf_map_update_elem(held_fd, &key, &since_ns, BPF_ANY), 0);
	return since_ns;
}

static uint64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t noted(void)
{
	uint64_t key = thread(), since = 0;

	bpf_map_lookup_elem(held_fd, &key, &since);
	return since;
}

static uint64_t keep(void)
{
	uint64_t since = wait_begins(now());

	OK(goes_on());
	OK(parking_keep(&parking, child, child, since));
	OK(stands());
	INT_EQ(noted(), HELD_IS_PARKED);
	return since;
}

static void test_stands_and_goes_on(void)
{
	uint64_t since;

	begin();
	for (unsigned i = 0; i < 3; i++) {
		since = keep();
		/* No parent sees it. */
		INT_EQ(waitpid(child, NULL, WNOHANG | WUNTRACED | WCONTINUED), 0);
		parking_let_go(&parking, child, child, since);
		OK(goes_on());
		INT_EQ(waitpid(child, NULL, WNOHANG | WUNTRACED | WCONTINUED), 0);
	}
	end();
}

/* Let go before its order has come, or by itself: nothing may be left standing. */
static void test_waits_no_more(void)
{
	uint64_t since, key;

	begin();
	since = wait_begins(now());
	key = thread();
	bpf_map_delete_elem(held_fd, &key);
	OK(parking_keep(&parking, child, child, since));
	parking_let_go(&parking, child, child, since);
	OK(goes_on());
	/* It waits for something else by now. */
	OK(parking_keep(&parking, child, child, wait_begins(now()) - 1));
	sleep_ms(STANDS_MS);
	OK(goes_on());
	OK(noted() != HELD_IS_PARKED);
	end();
}

static void test_signals(void)
{
	uint64_t since;
	int status;

	begin();
	since = keep();
	kill(child, SIGUSR1);
	sleep_ms(STANDS_MS);
	INT_EQ(shown->signals, 0);
	parking_let_go(&parking, child, child, since);
	OK(goes_on());
	INT_EQ(shown->signals, 1);
	/* Stopped by somebody else meanwhile, it stays so. */
	since = keep();
	kill(child, SIGSTOP);
	parking_let_go(&parking, child, child, since);
	INT_EQ(waitpid(child, &status, WUNTRACED), child);
	OK(WIFSTOPPED(status));
	OK(stands());
	kill(child, SIGCONT);
	OK(goes_on());
	/* Its end comes at once, and its parent hears of it. */
	keep();
	end();
}

/* Whoever is traced already waits as it did. */
static void test_traced_by_another(void)
{
	begin();
	OK(goes_on());
	INT_EQ(ptrace(PTRACE_SEIZE, child, NULL, NULL), 0);
	OK(parking_keep(&parking, child, child, wait_begins(now())));
	sleep_ms(STANDS_MS);
	OK(goes_on());
	OK(noted() != HELD_IS_PARKED);
	end();
}

/* By the process that is named, a second thread of which is another child here. */
static void test_one_of_a_process(void)
{
	pid_t first;
	uint64_t since, key, mark = 0;

	begin();
	first = child;
	since = keep();
	begin();
	key = (uint64_t)first << 32 | (uint32_t)child;
	INT_EQ(bpf_map_update_elem(held_fd, &key, &since, BPF_ANY), 0);
	OK(parking_keep(&parking, first, child, since));
	sleep_ms(STANDS_MS);
	OK(goes_on());
	INT_EQ(bpf_map_lookup_elem(held_fd, &key, &mark), 0);
	OK(mark == since);
	end();
	child = first;
	end();
}

/* Nobody lets it go. */
static void test_too_long(void)
{
	uint64_t begin_ns;

	begin();
	begin_ns = now();
	keep();
	OK(goes_on());
	OK(now() - begin_ns >= PARKING_MAX_NS);
	end();
}

static void test_end_of_parking(void)
{
	begin();
	keep();
	kill(parking.pid, SIGKILL);
	OK(goes_on());
	parking_stop(&parking);
	INT_EQ(parking.pid, 0);
	OK(!parking_keep(&parking, child, child, now()));
	INT_EQ(parking_start(&parking, held_fd), 0);
	keep();
	parking_stop(&parking);
	OK(goes_on());
	end();
}

/* Plaintap is killed, while its parking is not. */
static void test_end_of_plaintap(void)
{
	struct parking orphan = { 0 };
	pid_t plaintap;
	int ready[2];
	char byte;

	begin();
	if (pipe(ready) < 0)
		abort();
	wait_begins(now());
	plaintap = fork();
	if (!plaintap) {
		uint64_t since = noted();

		if (parking_start(&orphan, held_fd) == 0)
			parking_keep(&orphan, child, child, since);
		while (noted() != HELD_IS_PARKED)
			sleep_ms(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	INT_EQ(read(ready[0], &byte, 1), 1);
	OK(stands());
	kill(plaintap, SIGKILL);
	INT_EQ(waitpid(plaintap, NULL, 0), plaintap);
	OK(goes_on());
	close(ready[0]);
	close(ready[1]);
	end();
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("threads that stand still", err.text);
		return tap_done();
	}
	shown = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	held_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "held", sizeof(uint64_t), sizeof(uint64_t), 64,
				 NULL);
	if (shown == MAP_FAILED || held_fd < 0 || parking_start(&parking, held_fd) < 0)
		abort();
	RUN(test_stands_and_goes_on);
	RUN(test_waits_no_more);
	RUN(test_signals);
	RUN(test_traced_by_another);
	RUN(test_one_of_a_process);
	RUN(test_too_long);
	RUN(test_end_of_parking);
	RUN(test_end_of_plaintap);
	parking_stop(&parking);
	return tap_done();
}

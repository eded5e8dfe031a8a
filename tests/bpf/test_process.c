// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/proc.bpf.c: the life of watched processes. The test watches itself, and so its children; no
 * library is probed.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "attach/kernel_side.h"
#include "attach/privilege.h"
#include "attach/receiving.h"
#include "collect/ring.h"
#include "records.h"
#include "tap.h"

enum { RING_SIZE = 1 << 16, SEEN_MAX = 64 };

static struct kernel_side *kernel;
static struct ring *ring;
static struct rec_process seen[SEEN_MAX];
static size_t seen_cnt;

static void see(void *user, const struct ring_record *rec)
{
	if (seen_cnt == SEEN_MAX)
		abort();
	ring_record_copy(rec, 0, &seen[seen_cnt++], sizeof(seen[0]));
}

static void drain(void)
{
	seen_cnt = 0;
	ring_drain(ring, SEEN_MAX, see, NULL);
}

static void check(size_t i, uint32_t type, pid_t pid, pid_t ppid, int exit_code)
{
	const struct rec_process *r = &seen[i];

	OK_MSG(i < seen_cnt && r->head.type == type && r->head.size == sizeof(*r) &&
		       r->pid == (uint32_t)pid && r->ppid == (uint32_t)ppid,
	       "record %zu: type %u, pid %u of %u", i, r->head.type, r->pid, r->ppid);
	INT_EQ(r->exit_code, exit_code);
	OK(r->head.ts_ns && (!i || r->head.ts_ns >= seen[i - 1].head.ts_ns));
}

/* The status as wait() gives it. */
static int status_of(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return status;
}

static void test_fork_exec_exit(void)
{
	pid_t pid;

	drain();
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(99);
	}
	INT_EQ(status_of(pid), 7 << 8);
	drain();
	INT_EQ(seen_cnt, 3);
	check(0, REC_FORK, pid, getpid(), 0);
	check(1, REC_EXEC, pid, getpid(), 0);
	check(2, REC_EXIT, pid, getpid(), 7 << 8);
	INT_EQ(kernel_side_watched_cnt(kernel, 10), 1);
}

static void test_killed(void)
{
	pid_t pid;

	drain();
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(99);
	}
	INT_EQ(kernel_side_watched_cnt(kernel, 10), 2);
	kill(pid, SIGKILL);
	INT_EQ(status_of(pid), SIGKILL);
	drain();
	INT_EQ(seen_cnt, 2);
	check(0, REC_FORK, pid, getpid(), 0);
	check(1, REC_EXIT, pid, getpid(), SIGKILL);
}

static void test_grandchildren(void)
{
	pid_t pid, grandchild = 0;
	int fds[2];

	drain();
	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		grandchild = fork();
		if (grandchild == 0)
			_exit(0);
		status_of(grandchild);
		_exit(write(fds[1], &grandchild, sizeof(grandchild)) != sizeof(grandchild));
	}
	INT_EQ(read(fds[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	INT_EQ(status_of(pid), 0);
	close(fds[0]);
	close(fds[1]);
	drain();
	INT_EQ(seen_cnt, 4);
	check(0, REC_FORK, pid, getpid(), 0);
	check(1, REC_FORK, grandchild, pid, 0);
	check(2, REC_EXIT, grandchild, pid, 0);
	check(3, REC_EXIT, pid, getpid(), 0);
}

static void *do_nothing(void *arg)
{
	return NULL;
}

/* Threads are no processes: neither their start nor their end is told. */
static void test_threads(void)
{
	pid_t pid;

	drain();
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 8; i++) {
			pthread_t t;

			if (pthread_create(&t, NULL, do_nothing, NULL) || pthread_join(t, NULL))
				_exit(1);
		}
		_exit(5);
	}
	INT_EQ(status_of(pid), 5 << 8);
	drain();
	INT_EQ(seen_cnt, 2);
	check(0, REC_FORK, pid, getpid(), 0);
	check(1, REC_EXIT, pid, getpid(), 5 << 8);
}

static uint32_t receiver_cnt(void)
{
	return kernel_side_control(kernel)->receiver_cnt;
}

static bool is_receiver(pid_t pid)
{
	uint32_t key = (uint32_t)pid, value;

	return !bpf_map_lookup_elem(receiving_receivers_fd(kernel_side_receiving(kernel)), &key,
				    &value);
}

static void make_receiver(pid_t pid)
{
	struct capture_control *c = kernel_side_control(kernel);
	uint32_t key = (uint32_t)pid, one = 1;

	if (bpf_map_update_elem(receiving_receivers_fd(kernel_side_receiving(kernel)), &key, &one,
				BPF_NOEXIST))
		abort();
	c->receiver_cnt++;
	c->receiver_slots[key % RECEIVER_SLOT_CNT]++;
}

/* A child has its parent's connections, until it executes a program or ends. */
static void test_receivers(void)
{
	const uint32_t *slots = kernel_side_control(kernel)->receiver_slots;
	uint32_t sum = 0;
	int fds[2];
	pid_t pid;

	INT_EQ(receiver_cnt(), 0);
	make_receiver(getpid());
	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		pthread_t t;
		char c;

		if (pthread_create(&t, NULL, do_nothing, NULL) || pthread_join(t, NULL) ||
		    read(fds[0], &c, 1) != 1)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
		_exit(99);
	}
	OK(is_receiver(pid));
	INT_EQ(receiver_cnt(), 2);
	INT_EQ(write(fds[1], "x", 1), 1);
	INT_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	OK_MSG(!is_receiver(pid), "it is another program now");
	INT_EQ(receiver_cnt(), 1);
	kill(pid, SIGKILL);
	status_of(pid);
	pid = fork();
	if (pid == 0)
		pause();
	INT_EQ(receiver_cnt(), 2);
	kill(pid, SIGKILL);
	status_of(pid);
	OK_MSG(!is_receiver(pid), "it has ended");
	INT_EQ(receiver_cnt(), 1);
	INT_EQ(kernel_side_unwatch(kernel, getpid()), 0);
	OK_MSG(!is_receiver(getpid()), "it is not watched any more");
	INT_EQ(receiver_cnt(), 0);
	for (int i = 0; i < RECEIVER_SLOT_CNT; i++)
		sum += slots[i];
	INT_EQ(sum, 0);
	INT_EQ(kernel_side_watch(kernel, getpid()), 0);
	close(fds[0]);
	close(fds[1]);
}

static void test_unwatched(void)
{
	pid_t pid;

	INT_EQ(kernel_side_unwatch(kernel, getpid()), 0);
	drain();
	pid = fork();
	if (pid == 0)
		_exit(0);
	INT_EQ(status_of(pid), 0);
	drain();
	INT_EQ(seen_cnt, 0);
	INT_EQ(kernel_side_watched_cnt(kernel, 10), 0);
}

int main(void)
{
	struct kernel_side_options opt = { .ring_size = RING_SIZE };
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("processes", err.text);
		return tap_done();
	}
	if (!OK_MSG(kernel_side_open(&opt, &kernel, &err) == 0 &&
			    kernel_side_wait(kernel, &err) == 0,
		    "the kernel side opens %s", err.text) ||
	    !OK(ring_open(kernel_side_ring_fd(kernel), RING_SIZE, &ring) == 0))
		return tap_done();
	INT_EQ(kernel_side_watch(kernel, getpid()), 0);
	RUN(test_fork_exec_exit);
	RUN(test_killed);
	RUN(test_grandchildren);
	RUN(test_threads);
	RUN(test_receivers);
	RUN(test_unwatched);
	ring_close(ring);
	kernel_side_close(kernel);
	return tap_done();
}

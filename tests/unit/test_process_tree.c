// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover/process_info.h"
#include "discover/process_tree.h"
#include "tap.h"

static pid_t seen[16];
static size_t seen_cnt;

static void note(void *user, pid_t pid)
{
	if (seen_cnt < 16)
		seen[seen_cnt++] = pid;
}

static void test_parents_before_children(void)
{
	struct process_link links[] = { { 2, 30 }, { 5, 9 }, { 9, 1 }, { 10, 9 }, { 30, 9 } };
	struct process_tree t = { .links = links, .cnt = 5 };

	seen_cnt = 0;
	INT_EQ(process_tree_descendants(&t, 9, note, NULL), 0);
	INT_EQ(seen_cnt, 4);
	INT_EQ(seen[0], 5);
	INT_EQ(seen[1], 10);
	INT_EQ(seen[2], 30);
	INT_EQ(seen[3], 2);
}

static void test_a_loop_ends(void)
{
	struct process_link links[] = { { 1, 2 }, { 2, 1 }, { 3, 3 } };
	struct process_tree t = { .links = links, .cnt = 3 };

	seen_cnt = 0;
	INT_EQ(process_tree_descendants(&t, 1, note, NULL), 0);
	INT_EQ(seen_cnt, 1);
	OK(process_tree_has_children(&t, 1));
	OK(!process_tree_has_children(&t, 4));
	seen_cnt = 0;
	INT_EQ(process_tree_descendants(&t, 3, note, NULL), 0);
	INT_EQ(seen_cnt, 0);
}

static void test_own_child(void)
{
	struct process_tree t;
	bool found = false;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	INT_EQ(process_tree_read(&t, "/proc"), 0);
	seen_cnt = 0;
	INT_EQ(process_tree_descendants(&t, getpid(), note, NULL), 0);
	for (size_t i = 0; i < seen_cnt; i++)
		found |= seen[i] == child;
	OK(found);
	process_tree_done(&t);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	INT_EQ(process_tree_read(&t, "/nonexistent"), -ENOENT);
}

static void test_leader_and_parent(void)
{
	pid_t pid = 0;

	INT_EQ(process_leader("/proc", gettid(), &pid), 0);
	INT_EQ(pid, getpid());
	INT_EQ(process_parent("/proc", getpid(), &pid), 0);
	INT_EQ(pid, getppid());
	INT_EQ(process_leader("/proc", 1 << 30, &pid), -ESRCH);
}

int main(void)
{
	RUN(test_parents_before_children);
	RUN(test_a_loop_ends);
	RUN(test_own_child);
	RUN(test_leader_and_parent);
	return tap_done();
}

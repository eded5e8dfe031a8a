// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>
#include <unistd.h>

#include "app/process_table.h"
#include "model/process.h"
#include "tap.h"

/* Above any pid that a kernel gives out (PID_MAX_LIMIT is 4194304). */
enum { NOBODY = 0x7ffffff0 };

static void test_this_process(void)
{
	struct process_table t;
	struct process *p, *again;

	process_table_init(&t);
	p = process_table_get(&t, getpid());
	INT_EQ(p->pid, getpid());
	INT_EQ(p->ppid, getppid());
	INT_EQ(p->uid, getuid());
	OK(p->exe && strstr(p->exe, "test_process_table"));
	again = process_table_get(&t, getpid());
	OK_MSG(again == p, "asked once only");
	INT_EQ(p->refs, 3);
	process_unref(again);
	process_table_done(&t);
	INT_EQ(p->refs, 1);
	process_unref(p);
}

static void test_a_child_is_like_its_parent(void)
{
	struct process_table t;
	struct process *parent, *child;

	process_table_init(&t);
	process_table_forked(&t, NOBODY, getpid());
	parent = process_table_get(&t, getpid());
	child = process_table_get(&t, NOBODY);
	INT_EQ(child->pid, NOBODY);
	INT_EQ(child->ppid, getpid());
	INT_EQ(child->uid, getuid());
	C_STR_EQ(child->comm, parent->comm);
	OK(child->exe && !strcmp(child->exe, parent->exe));
	OK(child->cmdline && !strcmp(child->cmdline, parent->cmdline));
	OK(child->cgroup && !strcmp(child->cgroup, parent->cgroup));
	OK_MSG(!child->started_ns && !child->ns_pid, "what is the child's own is not the parent's");
	process_unref(child);
	process_unref(parent);
	process_table_done(&t);
}

/* What a child does not share is asked for when somebody wants to know of it. */
static void test_what_is_a_child_s_own(void)
{
	struct process_table t;
	struct process *p;

	process_table_init(&t);
	process_table_forked(&t, getpid(), NOBODY);
	p = process_table_get(&t, getpid());
	OK(p->started_ns && p->ns_pid == getpid());
	OK_MSG(!p->exe && p->ppid == NOBODY, "the rest stays as the fork told it");
	process_unref(p);
	process_table_done(&t);
}

static void test_an_exec_asks_again(void)
{
	struct process_table t;
	struct process *p;

	process_table_init(&t);
	/* Known as a child of nobody; then it runs this test. */
	process_table_forked(&t, getpid(), NOBODY);
	p = process_table_get(&t, getpid());
	OK(!p->exe);
	process_unref(p);
	process_table_executed(&t, getpid());
	p = process_table_get(&t, getpid());
	OK(p->exe && strstr(p->exe, "test_process_table"));
	process_unref(p);
	process_table_done(&t);
}

static void test_an_exit_forgets(void)
{
	struct process_table t;
	struct process *p;

	process_table_init(&t);
	process_table_forked(&t, NOBODY, getpid());
	process_table_exited(&t, NOBODY);
	process_table_exited(&t, NOBODY);
	p = process_table_get(&t, NOBODY);
	OK_MSG(p && !p->exe && !p->comm[0], "one that is gone is unknown");
	process_unref(p);
	process_table_done(&t);
}

static void test_without_memory(void)
{
	unsigned n;

	for (n = 1; n < 200; n++) {
		struct process_table t;
		struct process *p;
		bool hit;

		process_table_init(&t);
		fail_alloc_at(n);
		process_table_forked(&t, NOBODY, getpid());
		process_table_executed(&t, getpid());
		p = process_table_get(&t, NOBODY);
		hit = fail_alloc_hit();
		fail_alloc_at(0);
		process_unref(p);
		process_table_done(&t);
		if (!hit)
			break;
	}
	OK_MSG(n > 5 && n < 200, "%u allocations made to fail", n - 1);
}

int main(void)
{
	RUN(test_this_process);
	RUN(test_a_child_is_like_its_parent);
	RUN(test_what_is_a_child_s_own);
	RUN(test_an_exec_asks_again);
	RUN(test_an_exit_forgets);
	RUN(test_without_memory);
	return tap_done();
}

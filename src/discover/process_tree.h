/* SPDX-License-Identifier: BSD-2-Clause */
/* Who descends from whom among the processes that run now. */
#ifndef PLAINTAP_DISCOVER_PROCESS_TREE_H
#define PLAINTAP_DISCOVER_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process_link {
	pid_t pid, ppid;
};

struct process_tree {
	struct process_link *links; /* owned, in the order of the pids */
	size_t cnt;
};

/* Looks at every process in `proc_root` ("/proc"). -ENOMEM, or why the folder cannot be read. */
int process_tree_read(struct process_tree *t, const char *proc_root);
/* Also for a zeroed one. */
void process_tree_done(struct process_tree *t);

typedef void (*process_tree_fn)(void *user, pid_t pid);

/* Calls `fn` for each descendant of `root`, parents before their children. -ENOMEM. */
int process_tree_descendants(const struct process_tree *t, pid_t root, process_tree_fn fn,
			     void *user);

bool process_tree_has_children(const struct process_tree *t, pid_t pid);

#endif

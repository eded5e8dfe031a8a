// SPDX-License-Identifier: BSD-2-Clause
#include "process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/str.h"
#include "discover/process_info.h"

static int compare_pids(const void *a, const void *b)
{
	const struct process_link *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int add(struct process_tree *t, size_t *cap, struct process_link link)
{
	if (t->cnt == *cap) {
		size_t more = *cap ? *cap * 2 : 256;
		struct process_link *links = realloc(t->links, more * sizeof(*links));

		if (!links)
			return -ENOMEM;
		t->links = links;
		*cap = more;
	}
	t->links[t->cnt++] = link;
	return 0;
}

int process_tree_read(struct process_tree *t, const char *proc_root)
{
	DIR *dir = opendir(proc_root);
	struct dirent *entry;
	size_t cap = 0;
	int r = 0;

	*t = (struct process_tree){ 0 };
	if (!dir)
		return -errno;
	while (!r && (entry = readdir(dir))) {
		struct process_link link;
		uint64_t pid;

		if (str_to_u64(str_from(entry->d_name), 10, &pid) < 0 || pid > INT_MAX)
			continue;
		link.pid = (pid_t)pid;
		if (process_parent(proc_root, link.pid, &link.ppid) == 0)
			r = add(t, &cap, link);
	}
	closedir(dir);
	if (r < 0)
		process_tree_done(t);
	else if (t->cnt)
		qsort(t->links, t->cnt, sizeof(*t->links), compare_pids);
	return r;
}

void process_tree_done(struct process_tree *t)
{
	free(t->links);
	*t = (struct process_tree){ 0 };
}

int process_tree_descendants(const struct process_tree *t, pid_t root, process_tree_fn fn,
			     void *user)
{
	pid_t *found = calloc(t->cnt + 1, sizeof(*found));
	size_t cnt = 1;

	if (!found)
		return -ENOMEM;
	found[0] = root;
	/* Each process has one parent, so each is found at most once but for the root itself. */
	for (size_t at = 0; at < cnt; at++)
		for (size_t i = 0; i < t->cnt; i++)
			if (t->links[i].ppid == found[at] && t->links[i].pid != root &&
			    cnt <= t->cnt) {
				found[cnt++] = t->links[i].pid;
				fn(user, t->links[i].pid);
			}
	free(found);
	return 0;
}

bool process_tree_has_children(const struct process_tree *t, pid_t pid)
{
	for (size_t i = 0; i < t->cnt; i++)
		if (t->links[i].ppid == pid)
			return true;
	return false;
}

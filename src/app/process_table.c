// SPDX-License-Identifier: BSD-2-Clause
#include "process_table.h"

#include <stdio.h>
#include <string.h>

#include "discover/container_owner.h"
#include "discover/process_info.h"
#include "model/process.h"

void process_table_init(struct process_table *t)
{
	*t = (struct process_table){ .files_root = "" };
	map_init(&t->by_pid);
}

void process_table_done(struct process_table *t)
{
	uint64_t pid;
	void *process;
	size_t pos = 0;

	while (map_next(&t->by_pid, &pos, &pid, &process))
		process_unref(process);
	map_done(&t->by_pid);
	hierarchies_done(&t->hierarchies);
}

/* Takes over the reference; an entry that does not fit is only forgotten. */
static void put(struct process_table *t, struct process *p)
{
	process_unref(map_remove(&t->by_pid, (uint64_t)p->pid));
	if (map_put(&t->by_pid, (uint64_t)p->pid, p) < 0)
		process_unref(p);
}

static void name_container(struct process_table *t, struct process *p)
{
	if (!p->container.id[0])
		return;
	if (!t->knows_hierarchies)
		hierarchies_read("/proc", &t->hierarchies);
	t->knows_hierarchies = true;
	p->container.owner = p->cgroup ? container_owner_find(&t->hierarchies, p->cgroup)
				       : CONTAINER_OWNER_UNKNOWN;
	container_names_fill(&t->names, t->files_root, &p->container);
}

static struct process *read_process(struct process_table *t, pid_t pid)
{
	struct process *p = process_info_read(pid);

	if (p)
		name_container(t, p);
	return p;
}

struct process *process_table_get(struct process_table *t, pid_t pid)
{
	struct process *p = map_get(&t->by_pid, (uint64_t)pid);

	if (p) {
		/* A child that is asked for: most are not, and a fork should cost little. */
		if (p->refs == 1 && !p->started_ns)
			process_info_read_own(p);
		return process_ref(p);
	}
	p = read_process(t, pid);
	if (p)
		put(t, process_ref(p));
	return p;
}

static char *copy_of(const char *s)
{
	return s ? strdup(s) : NULL;
}

void process_table_forked(struct process_table *t, pid_t pid, pid_t ppid)
{
	struct process *parent = process_table_get(t, ppid);
	struct process *child = parent ? process_new(pid) : NULL;

	if (child) {
		child->ppid = ppid;
		child->uid = parent->uid;
		snprintf(child->comm, sizeof(child->comm), "%s", parent->comm);
		child->exe = copy_of(parent->exe);
		child->cmdline = copy_of(parent->cmdline);
		child->cgroup = copy_of(parent->cgroup);
		child->unit = copy_of(parent->unit);
		child->container = parent->container;
		put(t, child);
	}
	process_unref(parent);
}

void process_table_executed(struct process_table *t, pid_t pid)
{
	struct process *p = read_process(t, pid);

	if (p)
		put(t, p);
}

void process_table_exited(struct process_table *t, pid_t pid)
{
	process_unref(map_remove(&t->by_pid, (uint64_t)pid));
}

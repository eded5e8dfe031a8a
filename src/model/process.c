// SPDX-License-Identifier: BSD-2-Clause
#include "process.h"

#include <stdlib.h>

struct process *process_new(pid_t pid)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->refs = 1;
	p->pid = pid;
	p->uid = (uid_t)-1;
	return p;
}

struct process *process_ref(struct process *p)
{
	p->refs++;
	return p;
}

void process_unref(struct process *p)
{
	if (!p || --p->refs)
		return;
	free(p->exe);
	free(p->cmdline);
	free(p->cgroup);
	free(p->unit);
	free(p);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of the watched processes, also of those that lived too short to be asked: a forked
 * child is like its parent until it runs another program.
 */
#ifndef PLAINTAP_APP_PROCESS_TABLE_H
#define PLAINTAP_APP_PROCESS_TABLE_H

#include <sys/types.h>

#include "base/map.h"
#include "discover/container_name.h"
#include "discover/hierarchy.h"

struct process;

struct process_table {
	struct map by_pid; /* struct process *, one reference each */
	struct container_names names;
	const char *files_root; /* of the runtimes' files; "" but in tests */
	/* Read when the first container is met. */
	struct hierarchies hierarchies;
	bool knows_hierarchies;
};

void process_table_init(struct process_table *t);
void process_table_done(struct process_table *t);

/* One reference for the caller, asked of /proc when not known yet; NULL without memory. */
struct process *process_table_get(struct process_table *t, pid_t pid);
void process_table_forked(struct process_table *t, pid_t pid, pid_t ppid);
/* `pid` runs another program now. */
void process_table_executed(struct process_table *t, pid_t pid);
void process_table_exited(struct process_table *t, pid_t pid);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A process as it was when it was first seen. Passive, reference-counted, never changed. */
#ifndef PLAINTAP_MODEL_PROCESS_H
#define PLAINTAP_MODEL_PROCESS_H

#include <sys/types.h>

struct process {
	unsigned refs;
	pid_t pid;
	pid_t ppid;    /* 0: unknown */
	uid_t uid;     /* (uid_t)-1: unknown */
	char comm[64]; /* what the kernel calls it; "" when unknown */
	char *exe;     /* path of the executable, owned; NULL when unknown */
	char *cmdline; /* arguments joined by spaces, owned; NULL when unknown */
};

/* One reference; NULL without memory. All but the pid starts as unknown. */
struct process *process_new(pid_t pid);
struct process *process_ref(struct process *p);
/* NULL is fine. */
void process_unref(struct process *p);

#endif

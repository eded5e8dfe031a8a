/* SPDX-License-Identifier: BSD-2-Clause */
/* A process as it was when it was first seen. Passive, reference-counted, never changed. */
#ifndef PLAINTAP_MODEL_PROCESS_H
#define PLAINTAP_MODEL_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#define CONTAINER_OWNER_UNKNOWN ((uid_t)-1)

/* As far as the names of control groups tell, and of the names its runtime's files. */
struct container {
	const char *runtime; /* "docker", "containerd", "podman", "cri-o"; NULL: unknown */
	char id[65];	     /* "": in no container that is known */
	char pod[37];	     /* uid of the Kubernetes pod; "": in none */
	char name[256];	     /* "": not known */
	char pod_name[256];  /* the same */
	char pod_namespace[64];
	uid_t owner; /* whose it is; 0: root's; CONTAINER_OWNER_UNKNOWN: not to be told */
};

struct process {
	unsigned refs;
	pid_t pid;
	pid_t ppid;    /* 0: unknown */
	uid_t uid;     /* (uid_t)-1: unknown */
	char comm[64]; /* what the kernel calls it; "" when unknown */
	char *exe;     /* path of the executable, owned; NULL when unknown */
	char *cmdline; /* arguments joined by spaces, owned; NULL when unknown */
	pid_t ns_pid;  /* in its own pid namespace; 0: unknown */
	/* Wall clock, to some 10 ms, as the kernel counts in ticks; 0: unknown. */
	uint64_t started_ns;
	char *cgroup; /* path in the hierarchy, owned; NULL when unknown */
	char *unit;   /* of systemd, owned; NULL: in none, or unknown */
	struct container container;
};

/* One reference; NULL without memory. All but the pid starts as unknown. */
struct process *process_new(pid_t pid);
struct process *process_ref(struct process *p);
/* NULL is fine. */
void process_unref(struct process *p);

#endif

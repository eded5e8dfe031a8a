/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processes have TLS, and of what kind. Probes nothing. */
#ifndef PLAINTAP_APP_LIST_STACKS_H
#define PLAINTAP_APP_LIST_STACKS_H

#include <stddef.h>
#include <sys/types.h>

#include "app/stack_words.h"
#include "base/error.h"

enum { LISTED_STACK_MAX = 16 };

struct listed_process {
	pid_t pid;
	const char *comm; /* "" not known */
	const char *exe;  /* NULL: not known */
	struct stack_words stacks[LISTED_STACK_MAX];
	const char *build_ids[LISTED_STACK_MAX]; /* hexadecimal; "" none */
	size_t stack_cnt;
	size_t unreadable_cnt; /* files it has mapped that could not be opened */
	const char *problem;   /* why it could not be looked into; NULL: it was */
};

/*
 * Calls `each` for the process `pid`, or (0) for every one that has TLS or could not be looked
 * into, but not for kernel threads and for this process. A negative result of `each` ends it and is
 * returned. -ESRCH: no such process; -EACCES: not ours to look at; -EINVAL: a thread.
 */
int list_stacks(pid_t pid, int (*each)(void *user, const struct listed_process *p), void *user,
		struct error *ret_error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that are to be watched no more while they run on. Their connections are taken out of
 * the kernel's table at once, and ended a moment later: what they have put into the ring by then
 * comes first.
 */
#ifndef PLAINTAP_APP_LEAVING_H
#define PLAINTAP_APP_LEAVING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/kernel_tables.h"

struct app;

enum { LEAVING_DELAY_NS = 50000000 };

struct leaving_conn {
	pid_t pid;
	struct conn_state state;
};

struct leaving {
	pid_t *pids; /* owned */
	size_t pid_cnt;
	struct leaving_conn *conns; /* owned */
	size_t conn_cnt;
	uint64_t due_ns;
};

/* The kernel side watches it no more. -ENOMEM. */
int leaving_add(struct app *a, pid_t pid, uint64_t now_ns);
/* To be called when the ring has been drained: ends what is due; UINT64_MAX: all. */
void leaving_end(struct app *a, uint64_t now_ns);
void leaving_done(struct leaving *l);

#endif

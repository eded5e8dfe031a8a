// SPDX-License-Identifier: BSD-2-Clause
#include "priority.h"

#include <sched.h>
#include <sys/resource.h>

enum { FAVOURED_NICE = -10 };

/*
 * Real-time classes, as a nice value counts only within a session (autogroup) or a control group,
 * and the busy ones may be in others.
 */
void priority_set(pid_t tid, enum priority priority)
{
	const struct sched_param param = { .sched_priority = (int)priority };
	int policy = priority == PRIORITY_ORDINARY ? SCHED_OTHER : SCHED_FIFO;

	if (sched_setscheduler(tid, policy | SCHED_RESET_ON_FORK, &param) < 0 &&
	    priority != PRIORITY_ORDINARY)
		setpriority(PRIO_PROCESS, (id_t)tid, FAVOURED_NICE);
}

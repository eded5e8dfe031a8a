// SPDX-License-Identifier: BSD-2-Clause
#include "priority.h"

#include <sched.h>
#include <sys/resource.h>

enum { CONSUMER_NICE = -10 };

void priority_raise(void)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) < 0)
		setpriority(PRIO_PROCESS, 0, CONSUMER_NICE);
}

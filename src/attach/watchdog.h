/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process of its own that does nothing but wait for plaintap's end, however that comes: then it
 * lets go every process that plaintap's kernel side had stopped.
 */
#ifndef PLAINTAP_ATTACH_WATCHDOG_H
#define PLAINTAP_ATTACH_WATCHDOG_H

#include <sys/types.h>

struct watchdog {
	pid_t pid;  /* 0: none */
	int end_fd; /* its other end tells the watchdog of our end */
};

/*
 * `paused_fd`: the map of stopped processes. To be started before any probe is placed: it must not
 * inherit a link, which would keep the probe after plaintap's end. Negative errno.
 */
int watchdog_start(struct watchdog *w, int paused_fd);
/* Ends it; for one that was never started too. */
void watchdog_stop(struct watchdog *w);

#endif

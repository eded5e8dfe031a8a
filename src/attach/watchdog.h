/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process of its own that does nothing but wait for plaintap's end, however that comes: then it
 * lets go every process that plaintap's kernel side had stopped, and every thread that waits there.
 */
#ifndef PLAINTAP_ATTACH_WATCHDOG_H
#define PLAINTAP_ATTACH_WATCHDOG_H

#include <pthread.h>
#include <sys/types.h>

struct capture_control;

struct watchdog {
	pid_t pid;	       /* 0: none */
	pthread_mutex_t *lock; /* shared with it; the thread that started it holds the lock */
};

/*
 * `paused_fd`: the map of stopped processes; `control` is shared with the kernel side. To be
 * started by the thread that lives longest. Negative errno.
 */
int watchdog_start(struct watchdog *w, int paused_fd, struct capture_control *control);
/* Ends it, from the same thread; for one that was never started too. */
void watchdog_stop(struct watchdog *w);

#endif

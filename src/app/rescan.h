/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that watched processes start: their libraries are mapped a moment after the exec, so
 * each is looked at a few times, a little later each time.
 */
#ifndef PLAINTAP_APP_RESCAN_H
#define PLAINTAP_APP_RESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RESCAN_MAX = 256 };

struct rescan_entry {
	pid_t pid;
	unsigned round;
	uint64_t due_ns; /* CLOCK_MONOTONIC */
};

/* More than RESCAN_MAX at a time: the newest are left out. */
struct rescan {
	struct rescan_entry entries[RESCAN_MAX];
	size_t cnt;
};

void rescan_add(struct rescan *r, pid_t pid, uint64_t now_ns);
void rescan_remove(struct rescan *r, pid_t pid);
/* The next process that is due, planned again for later if rounds are left. False: none now. */
bool rescan_next(struct rescan *r, uint64_t now_ns, pid_t *ret);
/* Milliseconds until one is due, at most `max`. */
int rescan_wait_ms(const struct rescan *r, uint64_t now_ns, int max);

#endif

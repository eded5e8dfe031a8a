/* SPDX-License-Identifier: BSD-2-Clause */
/* How long threads have waited, for a median at the end. */
#ifndef PLAINTAP_APP_WAIT_TIMES_H
#define PLAINTAP_APP_WAIT_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WAIT_TIMES_MAX = 4096 };

/* All 0 in the beginning. */
struct wait_times {
	uint32_t us[WAIT_TIMES_MAX]; /* the last ones; in order only after wait_times_tell() */
	size_t cnt;		     /* ever noted */
};

void wait_times_note(struct wait_times *w, uint64_t ns);
/* Of the last ones, in milliseconds. False: there are none. To be asked at the end only. */
bool wait_times_tell(struct wait_times *w, double *ret_median_ms, double *ret_max_ms);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_APP_NOW_H
#define PLAINTAP_APP_NOW_H

#include <stdint.h>

#include "base/clock.h"

/* CLOCK_MONOTONIC, in ns. */
static inline uint64_t app_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif

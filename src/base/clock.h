/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_BASE_CLOCK_H
#define PLAINTAP_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds that `clock` shows; 0 where the kernel has no such clock. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

#endif

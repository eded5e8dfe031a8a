/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_CPU_IDLE_H
#define PLAINTAP_DISCOVER_CPU_IDLE_H

#include <stdint.h>

/*
 * For how many milliseconds each of the first `cnt` processors has had nothing to do so far, in
 * steps of ten; 0 for one that is not there. `proc_root`: "/proc". -errno.
 */
int cpu_idle_read(const char *proc_root, uint64_t *ret_ms, unsigned cnt);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_ATTACH_SIDE_BY_SIDE_H
#define PLAINTAP_ATTACH_SIDE_BY_SIDE_H

#include <stdbool.h>
#include <stddef.h>

/* At a time. */
enum { SIDE_BY_SIDE_MAX = 32 };

/*
 * Calls fn(user, i) for each i below `cnt`, in threads, and returns when all have. For work that
 * waits for the kernel: probes that are taken off at the same time wait together. Where there are
 * no threads to have, it is done one by one.
 */
void side_by_side(size_t cnt, void (*fn)(void *user, size_t i), void *user);

/*
 * Calls work(work_user) in a thread, and meanwhile(user) over and over until that has returned.
 * False: there is no thread to be had, and nothing was called.
 */
bool side_by_side_with(void (*work)(void *work_user), void *work_user,
		       void (*meanwhile)(void *user), void *user);

#endif

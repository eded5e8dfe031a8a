/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_BASE_PRIORITY_H
#define PLAINTAP_BASE_PRIORITY_H

#include <sys/types.h>

/*
 * Who goes before whom, where that is allowed; else they are favoured as far as possible. The
 * kernel leaves 5 % of each processor to ordinary threads whatever happens.
 *
 * PRIORITY_WRITE is for a writer whose queue fills: at full speed that takes some ten milliseconds,
 * and then whoever fills it is best held back by having no processor, rather than by losing bytes.
 *
 * So is whoever a thread of a program waits for.
 *
 * PRIORITY_DRAIN is for the thread that drains the ring: a full ring loses bytes, and it fills in a
 * few milliseconds, less than an ordinary thread may have to wait for a busy processor. It naps
 * between two drains.
 */
enum priority {
	PRIORITY_ORDINARY,
	PRIORITY_WRITE,
	PRIORITY_DRAIN,
};

/*
 * Of a thread of this process, 0: the caller. What it starts afterwards is ordinary. One that was
 * only favoured stays so when it is made ordinary again.
 */
void priority_set(pid_t tid, enum priority priority);

#endif

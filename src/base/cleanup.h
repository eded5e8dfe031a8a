/* SPDX-License-Identifier: BSD-2-Clause */
/* Locals that clean up after themselves. */
#ifndef PLAINTAP_BASE_CLEANUP_H
#define PLAINTAP_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define CLEANUP_FREE  __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))

/* Hands the descriptor out of a CLEANUP_CLOSE local. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif

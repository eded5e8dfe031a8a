/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a running program forks: the functions of its C library (glibc, musl). */
#ifndef PLAINTAP_DISCOVER_FORK_CALLS_H
#define PLAINTAP_DISCOVER_FORK_CALLS_H

#include <stddef.h>
#include <sys/types.h>

#include "model/fork_call.h"

enum { FORK_CALL_MAX = 3 };

struct fork_calls {
	int fd; /* of the library: the very file that is mapped */
	dev_t dev;
	ino_t ino;
	struct fork_call items[FORK_CALL_MAX];
	size_t cnt;
};

/*
 * Opens the C library: `ret` has all but the functions, and its descriptor is to close() (-1 after
 * a failure). -ENOENT: the process has none that is known by its name; otherwise as
 * mapped_file_open().
 */
int fork_calls_open(const char *proc_root, pid_t pid, struct fork_calls *ret);
/* Fills in the functions. -ENOENT: it exports nothing that forks; otherwise as elf_file_open(). */
int fork_calls_find(struct fork_calls *ret);

#endif

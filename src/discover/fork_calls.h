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
 * `ret` is filled, and its descriptor is to close(). -ENOENT: the process has no C library that is
 * known by its name, or that one exports nothing that forks; otherwise as mapped_file_open() and
 * elf_file_open().
 */
int fork_calls_of_process(const char *proc_root, pid_t pid, struct fork_calls *ret);

#endif

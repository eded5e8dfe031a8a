/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a running program forks, and executes other programs: the functions of its C library
 * (glibc, musl).
 */
#ifndef PLAINTAP_DISCOVER_C_LIBRARY_H
#define PLAINTAP_DISCOVER_C_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/exec_call.h"
#include "model/fork_call.h"

enum { FORK_CALL_MAX = 3, EXEC_CALL_MAX = 3 };

struct c_library_id {
	dev_t dev;
	ino_t ino;
};

struct c_library {
	int fd; /* the very file that is mapped */
	struct c_library_id id;
};

struct fork_calls {
	struct fork_call items[FORK_CALL_MAX];
	size_t cnt;
};

struct exec_calls {
	struct exec_call items[EXEC_CALL_MAX];
	size_t cnt;
};

/*
 * Opens the C library; its descriptor is to close() (-1 after a failure). -ENOENT: the process has
 * none that is known by its name; otherwise as mapped_file_open().
 */
int c_library_open(const char *proc_root, pid_t pid, struct c_library *ret);
/* A static program is its own C library: the one that runs as `pid`. The same otherwise. */
int c_library_open_program(const char *proc_root, pid_t pid, struct c_library *ret);
bool c_library_is_among(const struct c_library *lib, const struct c_library_id *ids, size_t cnt);
/* -ENOENT: the file exports nothing that forks; otherwise as elf_file_open(). */
int c_library_find_forks(int fd, struct fork_calls *ret);
/* The same of what executes; also in a static program that has its symbols. */
int c_library_find_execs(int fd, struct exec_calls *ret);

#endif

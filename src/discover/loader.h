/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's loader, the file that its PT_INTERP names. Loaders call an empty function whenever
 * they have loaded something, for debuggers to stop at: _dl_debug_state, of glibc and musl alike.
 */
#ifndef PLAINTAP_DISCOVER_LOADER_H
#define PLAINTAP_DISCOVER_LOADER_H

#include <sys/types.h>

#include "base/error.h"
#include "model/loader_hook.h"

/*
 * The descriptor of the loader of a running process, to close(): the very file that is mapped,
 * whatever lies at its path by now. Where the program has none, it is the program itself: a loader
 * that was started like a program, or a static program. -ENOENT, -ESRCH: there is no such process;
 * otherwise as mapped_file_open().
 */
int loader_open_of_process(const char *proc_root, pid_t pid);
/*
 * The loader that a program which does not run yet will have; a script counts as its interpreter.
 * -ENOENT: none; otherwise as open_regular() and elf_file_open().
 */
int loader_open_of_program(const char *path);

/* Where to probe it. -ENOENT: it has no such function; otherwise as elf_file_open(). */
int loader_find_hook(int fd, struct loader_hook *ret, struct error *ret_error);

#endif

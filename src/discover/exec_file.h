/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that a program is about to execute: found as the kernel will find it for that program,
 * in its root and from its working folder, with the interpreters that scripts name. All that is
 * read may be made to deceive: nothing but regular files is ever opened, and nothing is trusted.
 */
#ifndef PLAINTAP_DISCOVER_EXEC_FILE_H
#define PLAINTAP_DISCOVER_EXEC_FILE_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

struct exec_file {
	int fd;		     /* to close() */
	char path[PATH_MAX]; /* as /proc/PID/exe will have it, for people */
};

/* The path at an address of a process, through any thread of it. -EFAULT, -ENAMETOOLONG, -ESRCH. */
int exec_file_read_path(pid_t tid, uint64_t addr, char ret[static PATH_MAX]);
/*
 * What `path` means to the thread `tid`: from the folder `dir_fd` of its descriptors (AT_FDCWD:
 * from its working folder), or, if it is empty, that descriptor itself. Returns a descriptor for
 * reading, or: -ELOOP: too many links, or one that only the process itself can follow (/proc/self);
 * otherwise as open_regular().
 */
int exec_file_open(const char *proc_root, pid_t tid, int dir_fd, const char *path);
/*
 * The same, and if it is a script, the file that interprets it in the end: `ret` is ELF. -ENOEXEC:
 * neither; -ELOOP: too many interpreters in a row; else as above.
 */
int exec_file_open_program(const char *proc_root, pid_t tid, int dir_fd, const char *path,
			   struct exec_file *ret);

#endif

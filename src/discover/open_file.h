/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_OPEN_FILE_H
#define PLAINTAP_DISCOVER_OPEN_FILE_H

#include <stddef.h>
#include <sys/types.h>

struct buf;

/*
 * Opens a regular file for reading and never anything else: the type is looked at before the
 * file's own open operation can run (a device that acts on open, a pipe that blocks). Nor does it
 * wait for who has a lease on it (-EAGAIN). Returns a descriptor to close, -EISDIR for a directory,
 * -ENXIO for another kind of file, or -errno.
 */
int open_regular(const char *path);

/*
 * Appends a whole (small or /proc) file to `b`. -EFBIG when it does not fit below b->max (what
 * fits is there then), -errno (for /proc files of a process that ended: -ESRCH or -ENOENT).
 */
int read_file(const char *path, struct buf *b);

/* Where the last component of `path` begins. */
const char *path_base(const char *path);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_MAPPED_FILE_H
#define PLAINTAP_DISCOVER_MAPPED_FILE_H

#include <sys/types.h>

struct proc_map;

/*
 * Opens the very file that a process has mapped (`path`: proc_map_path() of it), to close().
 *
 * A process may live in a container, and may run a library that an upgrade has replaced on disk. So
 * the file is opened through /proc/PID/map_files, which leads to it whatever its name; where that
 * is not allowed, by its path below /proc/PID/root, and then the inode must be the mapped one.
 * Device numbers are not held against it: overlayfs and btrfs show other ones in maps than in
 * stat(2). -ESTALE: another file lies there now; otherwise as open_regular().
 */
int mapped_file_open(const char *proc_root, pid_t pid, const struct proc_map *m, const char *path);

#endif

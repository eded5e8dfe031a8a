/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_MAPPED_TARGETS_H
#define PLAINTAP_DISCOVER_MAPPED_TARGETS_H

#include <stdbool.h>
#include <sys/types.h>

struct target_list;

/*
 * Which of the targets a process has mapped: `ret` has room for as many as the list. By inode
 * number only, as device numbers in maps are other ones than those of stat(2) on overlayfs and
 * btrfs: so rather one too many. -errno: it cannot be told.
 */
int discover_mapped_targets(const char *proc_root, pid_t pid, const struct target_list *list,
			    bool *ret);

#endif

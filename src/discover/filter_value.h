/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the words of filters stand for on this machine. Each function names the word that it cannot
 * make sense of, and says what would be right.
 */
#ifndef PLAINTAP_DISCOVER_FILTER_VALUE_H
#define PLAINTAP_DISCOVER_FILTER_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "model/filter.h"

/* A user's name or number. -EINVAL. */
int filter_value_uid(const struct filter_word *w, uint64_t *ret, struct error *ret_error);
/*
 * The id of a control group of version 2: a path, absolute or from the hierarchy's root. -ENOENT,
 * -EINVAL when it is none, -EOPNOTSUPP when this machine has no such hierarchy.
 */
int filter_value_cgroup(const struct filter_word *w, uint64_t *ret, struct error *ret_error);
/*
 * The id of the control group of a container, given by its name or the first digits of its id.
 * -ENOENT; -EEXIST: there are several; -EOPNOTSUPP.
 */
int filter_value_container(const struct filter_word *w, uint64_t *ret, struct error *ret_error);
/* The inode of a network namespace: a path, a name of ip-netns(8), a pid, or the inode itself. */
int filter_value_netns(const struct filter_word *w, uint64_t *ret, struct error *ret_error);
/* A process that is there. -EINVAL, -ESRCH. */
int filter_value_pid(const struct filter_word *w, uint64_t *ret, struct error *ret_error);

/*
 * Same as filter_value_container() with the folder in which to look for control groups, and what
 * stands before the paths of the runtimes' files.
 */
int filter_value_container_at(const char *root, const char *files_root, const struct filter_word *w,
			      uint64_t *ret, struct error *ret_error);

/* The version 2 control groups of a process, its own first; how many, or -errno. */
int filter_process_cgroups(pid_t pid, uint64_t *ret_ids, size_t max);
/* Inode of the network namespace of a process, or -errno. */
int filter_process_netns(pid_t pid, uint64_t *ret);

#endif

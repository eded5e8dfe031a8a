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
/* The inode of a network namespace: a path, a name of ip-netns(8), a pid, or the inode itself. */
int filter_value_netns(const struct filter_word *w, uint64_t *ret, struct error *ret_error);
/* A process that is there. -EINVAL, -ESRCH. */
int filter_value_pid(const struct filter_word *w, uint64_t *ret, struct error *ret_error);

/* Inode of the network namespace of a process, or -errno. */
int filter_process_netns(pid_t pid, uint64_t *ret);

#endif

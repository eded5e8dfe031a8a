/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_CONTAINER_GROUP_H
#define PLAINTAP_DISCOVER_CONTAINER_GROUP_H

#include <stdint.h>

#include "base/str.h"

/*
 * Looks in the folders below `root` for the control group of the container whose id begins with
 * `id`: the outermost one, which stands for all below it. Its inode. -EINVAL: no hexadecimal number
 * of at most 64 digits; -ENOENT; -EEXIST: there are several; -errno of `root`.
 */
int container_group_find(const char *root, struct str id, uint64_t *ret_inode);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_CONTAINER_GROUP_H
#define PLAINTAP_DISCOVER_CONTAINER_GROUP_H

#include <stdint.h>

#include "base/str.h"

/*
 * Looks in the folders below `root` for the control group of the container that is called `word`
 * (see container_name.h) or, if none is, whose id begins so: the outermost one, which stands for
 * all below it. Its inode. -EINVAL: no word; -ENOENT; -EEXIST: there are several; -errno of `root`.
 */
int container_group_find(const char *root, const char *files_root, struct str word,
			 uint64_t *ret_inode);

#endif

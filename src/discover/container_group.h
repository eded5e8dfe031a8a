/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_CONTAINER_GROUP_H
#define PLAINTAP_DISCOVER_CONTAINER_GROUP_H

#include "base/str.h"
#include "filter_group.h"

/*
 * Looks in all hierarchies for the control groups of the container that is called `word` (see
 * container_name.h) or, if none is, whose id begins so: in each the outermost one, which stands for
 * all below it. -EINVAL: no word; -ENOENT; -EEXIST: there are several containers; -E2BIG: it has
 * more than GROUP_ID_MAX groups; -errno of a hierarchy.
 */
int container_group_find(const struct hierarchies *h, const char *files_root, struct str word,
			 struct group_ids *ret);

#endif

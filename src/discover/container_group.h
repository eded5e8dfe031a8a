/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_CONTAINER_GROUP_H
#define PLAINTAP_DISCOVER_CONTAINER_GROUP_H

#include "base/str.h"
#include "filter_group.h"

/*
 * Looks in all hierarchies for the control groups of the container of the system's that is called
 * `word` (see container_name.h) or has this id; if there is none, of the one whose id begins so, or
 * of a user's own that is called so: no user can take the place of a container of the system's.
 * In each hierarchy it is the outermost group, which stands for all below it. -EINVAL: no word;
 * -ENOENT; -EEXIST: there are several containers, also if two users' have one id; -E2BIG: it has
 * more than GROUP_ID_MAX groups; -errno of a hierarchy.
 */
int container_group_find(const struct hierarchies *h, const char *files_root, struct str word,
			 struct group_ids *ret);

#endif

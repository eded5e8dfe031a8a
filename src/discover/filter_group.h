/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the words of --cgroup and --container stand for on this machine: control groups. Each
 * function names the word that it cannot make sense of, and says what would be right.
 */
#ifndef PLAINTAP_DISCOVER_FILTER_GROUP_H
#define PLAINTAP_DISCOVER_FILTER_GROUP_H

#include "base/error.h"
#include "hierarchy.h"
#include "model/filter.h"

enum { GROUP_ID_MAX = HIERARCHY_MAX };

struct group_ids {
	size_t cnt;
	struct group_id ids[GROUP_ID_MAX];
};

/*
 * A folder names one group. A path from a hierarchy's root names the groups that are there, in each
 * hierarchy that has one. -ENOENT, -EINVAL: there is none; -EOPNOTSUPP: the hierarchy is not
 * mounted.
 */
int filter_value_cgroup(const struct filter_word *w, struct group_ids *ret,
			struct error *ret_error);
/*
 * The groups of a container, one in each hierarchy that it is in, given by its name or the first
 * digits of its id. -ENOENT; -EEXIST: there are several containers; -EOPNOTSUPP.
 */
int filter_value_container(const struct filter_word *w, struct group_ids *ret,
			   struct error *ret_error);

/*
 * Same with the hierarchies in which to look, and what stands before the paths of the runtimes'
 * files.
 */
int filter_value_container_in(const struct hierarchies *h, const char *files_root,
			      const struct filter_word *w, struct group_ids *ret,
			      struct error *ret_error);
int filter_value_cgroup_in(const struct hierarchies *h, const struct filter_word *w,
			   struct group_ids *ret, struct error *ret_error);

#endif

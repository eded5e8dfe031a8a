/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hierarchies of control groups that are mounted here: version 2's one, and of version 1 one
 * per controller or name, on "hybrid" machines both. The same path may be in several of them, so a
 * group is named by its hierarchy's number and its inode, which is what the kernel knows it by.
 */
#ifndef PLAINTAP_DISCOVER_HIERARCHY_H
#define PLAINTAP_DISCOVER_HIERARCHY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"
#include "model/filter.h"

enum { HIERARCHY_MAX = 32 };

struct hierarchy {
	uint32_t number; /* as in /proc/PID/cgroup; 0: version 2 */
	dev_t dev;	 /* st_dev of its folders */
	char *names;	 /* of its controllers: "cpu,cpuacct", "name=systemd"; "" in version 2 */
	char *mount;	 /* "/sys/fs/cgroup/cpu" */
	char *root;	 /* path of the group that is seen there, "/" mostly */
};

struct hierarchies {
	size_t cnt;
	struct hierarchy rows[HIERARCHY_MAX];
};

/*
 * From `proc_root`/self. Of one that is mounted several times, a place that shows all of it. -errno
 * when /proc cannot be read; none mounted is no error.
 */
int hierarchies_read(const char *proc_root, struct hierarchies *ret);
void hierarchies_done(struct hierarchies *h);

/* Drops those that `keep` does not want. */
void hierarchies_keep(struct hierarchies *h, bool (*keep)(const void *user, uint32_t number),
		      const void *user);
/* Has a hierarchy this controller? */
bool hierarchy_has(const struct hierarchy *h, struct str controller);

/* The folder of the group `path` ("": the root); false: it is not in the part that is mounted. */
bool hierarchy_folder(const struct hierarchy *h, struct str path, char *to, size_t size);

/* The group whose folder `path` is. -errno; -EINVAL: it is no group's folder. */
int hierarchies_identify(const struct hierarchies *h, const char *path, struct group_id *ret);
/*
 * The groups of the process, in each hierarchy its own first and then those above it; how many (not
 * more than `max`), or -errno.
 */
int hierarchies_of_process(const struct hierarchies *h, pid_t pid, struct group_id *ret,
			   size_t max);

#endif

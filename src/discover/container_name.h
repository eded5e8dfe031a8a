/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of containers, as their runtimes leave them in files: no daemon is asked. Only files
 * are believed that belong to root (or to the user that plaintap runs as) and that nobody else may
 * write; of a user's containers those that belong to him, and these speak for no others. Which
 * ones: container_name.c.
 */
#ifndef PLAINTAP_DISCOVER_CONTAINER_NAME_H
#define PLAINTAP_DISCOVER_CONTAINER_NAME_H

#include <stdbool.h>

#include "base/str.h"
#include "model/process.h"

/* Of c->owner's files. Fills name, pod_name, pod_namespace, as far as those below `root` tell. */
void container_name_read(const char *root, struct container *c);

/* Not of an ordinary user, or of the one that plaintap runs as. */
bool container_is_of_system(const struct container *c);

/* Is it called so: "web", in a pod also "shop-1/web" or "default/shop-1/web"? */
bool container_name_matches(const struct container *c, struct str word);

enum { CONTAINER_NAMES_MAX = 32 };

/* Those that were read last, also those that have none. All 0 in the beginning. */
struct container_names {
	struct container known[CONTAINER_NAMES_MAX];
	unsigned next;
};

/* As container_name_read(), and no file is read twice for the same container of the same owner. */
void container_names_fill(struct container_names *n, const char *root, struct container *c);

#endif

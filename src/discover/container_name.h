/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of containers, as their runtimes leave them in files: no daemon is asked. Only files
 * are believed that belong to root (or to the user that plaintap runs as) and that nobody else may
 * write. Which ones: container_name.c.
 */
#ifndef PLAINTAP_DISCOVER_CONTAINER_NAME_H
#define PLAINTAP_DISCOVER_CONTAINER_NAME_H

#include <stdbool.h>

#include "base/str.h"
#include "model/process.h"

/* Fills name, pod_name and pod_namespace, as far as the files below `root` ("": all) tell. */
void container_name_read(const char *root, struct container *c);

/* Is it called so: "web", in a pod also "shop-1/web" or "default/shop-1/web"? */
bool container_name_matches(const struct container *c, struct str word);

enum { CONTAINER_NAMES_MAX = 32 };

/* Those that were read last, also those that have none. All 0 in the beginning. */
struct container_names {
	struct container known[CONTAINER_NAMES_MAX];
	unsigned next;
};

/* As container_name_read(), and no file is read twice for the same container in a row. */
void container_names_fill(struct container_names *n, const char *root, struct container *c);

#endif

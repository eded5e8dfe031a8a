/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose container it is: whoever may make groups where the container's was made, as its runtime
 * made it there. That is root for those of the system, and the user for those of his session
 * (user@UID.service is given to him), or of a service that is given to him. Only the kernel's
 * word counts, so that nobody can pass a process of his off as another's container. The owner of
 * the process's user namespace says less: a sandbox inside of root's container has one of its own,
 * and a process without any may be put into a group of whatever name.
 */
#ifndef PLAINTAP_DISCOVER_CONTAINER_OWNER_H
#define PLAINTAP_DISCOVER_CONTAINER_OWNER_H

#include "hierarchy.h"
#include "model/process.h"

/*
 * `group` is a path as /proc/PID/cgroup tells it; 0: root's, also if it is in no container;
 * CONTAINER_OWNER_UNKNOWN: others may make groups there, or hierarchies say different things. Of a
 * place that is not mounted here only the name counts: a user's session, or else root's.
 */
uid_t container_owner_find(const struct hierarchies *h, const char *group);

#endif

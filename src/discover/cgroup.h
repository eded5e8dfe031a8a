/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the text of /proc/PID/cgroup tells: the path, and the container, Kubernetes pod or systemd
 * unit that its names stand for. Pure; the text may be anything. Where a name does not say which
 * runtime made it, the runtime is unknown; nothing is taken for a container but an id of 64
 * hexadecimal digits, as all the runtimes below make them.
 */
#ifndef PLAINTAP_DISCOVER_CGROUP_H
#define PLAINTAP_DISCOVER_CGROUP_H

#include "base/str.h"
#include "model/process.h"

struct cgroup {
	struct str path;	    /* borrowed from the text; length 0: unknown */
	struct str unit;	    /* "nginx.service", borrowed; length 0: none */
	struct container container; /* empty: none */
	/* Path of the group in which the container's own was made, borrowed; empty: the root. */
	struct str place;
};

/* "NUMBER:CONTROLLERS:PATH", borrowed. */
struct cgroup_line {
	uint32_t number;	/* of the hierarchy; 0: version 2's */
	struct str controllers; /* "cpu,cpuacct", "name=systemd"; empty in version 2 */
	struct str path;	/* without the mark of a removed group */
};

bool cgroup_line_parse(struct str line, struct cgroup_line *ret);

/*
 * Of the lines (one per hierarchy) that one is taken which names a container; among several, or
 * if none does, systemd's own, then version 2's, then the first that is not the root.
 */
void cgroup_parse(struct str text, struct cgroup *ret);

#endif

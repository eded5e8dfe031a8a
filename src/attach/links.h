/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uprobe links of each kind that a kernel may give, by the system calls themselves: libbpf 1.1
 * knows neither uprobe multi nor sessions. All return a file descriptor whose closing detaches,
 * or a negative errno.
 */
#ifndef PLAINTAP_ATTACH_LINKS_H
#define PLAINTAP_ATTACH_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Values of the kernel's enum bpf_attach_type, for build machines with older headers. */
enum {
	LINK_TYPE_UPROBE_MULTI = 48,
	LINK_TYPE_UPROBE_SESSION = 57,
};

struct link_places {
	const char *path; /* of the file; "/proc/self/fd/N" probes exactly the open file */
	uint64_t *offsets;
	uint64_t *cookies;
	uint32_t cnt;
	pid_t pid; /* only in this process; 0: in every one */
};

/* One link for all places. `type` must be the program's expected attach type. */
int link_uprobe_multi(int prog_fd, unsigned type, bool at_return, const struct link_places *places);

/* Would this kernel take such a link? Asks with a place that cannot be probed. */
bool link_uprobe_multi_works(int prog_fd, unsigned type);

/* One link for the only place. The cookie is passed only with `has_cookie`. */
int link_perf_uprobe(int prog_fd, const struct link_places *place, bool at_return, bool has_cookie);

#endif

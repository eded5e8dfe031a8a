/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts a family of programs on places of a file, in whichever fashion the kernel has links. */
#ifndef PLAINTAP_ATTACH_PROBE_LINKS_H
#define PLAINTAP_ATTACH_PROBE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/target.h"

struct tls_bpf;

enum fashion { FASHION_SESSION, FASHION_MULTI, FASHION_PERF };

struct prober {
	enum fashion fashion;
	bool has_cookie;
	bool sees_bios;		   /* also probes what sets a connection's BIO */
	pid_t only_pid;		   /* no other process is ever to be captured; 0: not so */
	pid_t home;		   /* has probes that no other has; 0: no such process */
	const struct tls_bpf *tls; /* borrowed */
};

enum probe_family {
	FAMILY_CAPTURE,
	FAMILY_WITNESS,	  /* of exported functions, see bpf/lib/witness.bpf.h */
	FAMILY_TAKE_OVER, /* of exported functions, instead of places that are probed already */
};

/* Descriptors; closing one detaches. */
struct link_set {
	int fds[2 * TARGET_POINT_MAX];
	size_t cnt;
};

/* Where probes are to be, instead of in one process. */
enum {
	PROBE_EVERYWHERE = 0,
	PROBE_OUTSIDE_HOME = -1, /* everywhere too, but home's calls are left to its own ones */
};

/*
 * All points or none: on failure `ret` is empty, and a negative errno. With a pid the probes are in
 * that process only, not in its children, and others pay nothing for them.
 */
int probe_links_attach(const struct prober *p, enum probe_family family, const struct target *t,
		       const struct probe_point *points, size_t cnt, pid_t pid_or_where,
		       struct link_set *ret);
/* In the order of attaching, last first: entries go before their returns. Empty sets are fine. */
void probe_links_close(struct link_set *links);

/* Is this program of the object used in this fashion? */
struct bpf_program;
bool probe_links_use(const struct prober *p, const struct bpf_program *prog);

#endif

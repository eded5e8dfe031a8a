/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The probes in loaders: what watched processes load is told before any of it runs, and may be
 * waited for. See bpf/lib/load.bpf.h.
 */
#ifndef PLAINTAP_ATTACH_LOADER_PROBES_H
#define PLAINTAP_ATTACH_LOADER_PROBES_H

#include <stdbool.h>
#include <sys/types.h>

#include "features.h"
#include "model/loader_hook.h"

struct bpf_program;

struct loader_probes {
	const struct bpf_program *program; /* borrowed; NULL: this kernel cannot do it */
	bool is_multi;
	int *links; /* owned; closing one detaches */
	size_t link_cnt;
};

/*
 * Before the object with `program` is loaded: makes of it what this kernel has, or leaves it out.
 * `may_hold`: threads may wait in it.
 */
void loader_probes_init(struct loader_probes *l, const struct features *f,
			struct bpf_program *program, bool may_hold);
/*
 * Probes the loader that is open as `fd`, in every process or with `pid` in that one only.
 * -EOPNOTSUPP: this kernel cannot do it.
 */
int loader_probes_add(struct loader_probes *l, int fd, const struct loader_hook *hook, pid_t pid);
/* Takes the probes off. Threads that wait are to be let go first. */
void loader_probes_done(struct loader_probes *l);

#endif

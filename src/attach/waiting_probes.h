/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probes in which a thread may wait until user space has looked at something: in loaders, where
 * what they have loaded is told before any of it runs, and in functions that fork, or execute a
 * program. See bpf/lib/load.bpf.h.
 */
#ifndef PLAINTAP_ATTACH_WAITING_PROBES_H
#define PLAINTAP_ATTACH_WAITING_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "features.h"

struct bpf_program;
struct exec_call;
struct fork_call;
struct loader_hook;

struct waiting_probes {
	const struct bpf_program *program; /* borrowed; NULL: this kernel cannot do it */
	bool is_multi;
	int *links; /* owned; closing one detaches */
	size_t link_cnt;
};

/*
 * Before the object with `program` is loaded: makes of it what this kernel has, or leaves it out.
 * `may_hold`: threads may wait in it.
 */
void waiting_probes_init(struct waiting_probes *w, const struct features *f,
			 struct bpf_program *program, bool may_hold);
/*
 * Probe the file that is open as `fd`, in every process or with `pid` in that one only.
 * -EOPNOTSUPP: this kernel cannot do it; -E2BIG: those are too many.
 */
int waiting_probes_add_loader(struct waiting_probes *w, int fd, const struct loader_hook *hook,
			      pid_t pid);
int waiting_probes_add_forks(struct waiting_probes *w, int fd, const struct fork_call *calls,
			     size_t cnt, pid_t pid);
int waiting_probes_add_execs(struct waiting_probes *w, int fd, const struct exec_call *calls,
			     size_t cnt, pid_t pid);
/* Takes the probes off. Threads that wait are to be let go first. */
void waiting_probes_done(struct waiting_probes *w);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_ATTACH_PRIVILEGE_H
#define PLAINTAP_ATTACH_PRIVILEGE_H

#include <stdbool.h>

#include "base/error.h"

/*
 * -EPERM with a sentence that names each missing capability, or 0. What is needed: CAP_BPF and
 * CAP_PERFMON to load and attach, CAP_SYS_PTRACE to look at other users' processes; CAP_SYS_ADMIN
 * stands for the first two.
 */
int privilege_check(struct error *ret_error);

struct privileges {
	bool bpf, perfmon, sys_ptrace, sys_admin, sys_resource;
};

/* Which of the effective capabilities of this process matter here. -errno. */
int privileges_read(struct privileges *ret);

#endif

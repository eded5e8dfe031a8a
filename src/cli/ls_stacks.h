/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_CLI_LS_STACKS_H
#define PLAINTAP_CLI_LS_STACKS_H

#include <stdbool.h>
#include <sys/types.h>

/* `plaintap ls` without --probes: of the process `pid`, or (0) of all. Returns the exit status. */
int ls_stacks(pid_t pid, bool json);

#endif

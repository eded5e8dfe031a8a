// SPDX-License-Identifier: BSD-2-Clause
#include "subcommands.h"

#include <errno.h>
#include <string.h>

const struct subcommand_row subcommand_rows[SUBCOMMAND_CNT] = {
	[SUBCOMMAND_LS] = {
		"ls", "[-p PID | --probes PID|FILE] [--json]", "-p --probes --json",
		"List the processes that have TLS: which implementation, which version, where, and how "
		"plaintap would probe it, or why it cannot. Without root, one's own processes. With "
		"--probes, show where plaintap would probe the TLS libraries of the process PID, or the "
		"library FILE: role, exported functions, offset in the file, instruction, what a probe "
		"costs there, and why that place. Probes nothing; FILE may be of another machine.",
	},
	[SUBCOMMAND_DOCTOR] = {
		"doctor", "[-p PID] [--seconds N] [--json] [-- PROGRAM [ARG]...]",
		"-p --seconds --json --",
		"Say whether a capture would work here, and what to do if not: kernel, rights, and with "
		"a process or PROGRAM its TLS libraries, and how often each probed function is called in "
		"N seconds (default 3). Only calls are counted, no plaintext is read. PROGRAM writes "
		"to stderr, and is ended with SIGTERM when it runs longer. Exit status: 0 if a capture "
		"would work, 1 if something prevents it, 2 for wrong usage.",
	},
	[SUBCOMMAND_CTL] = {
		"ctl", "[--pid PID|--ctl PATH] status [--json] | add-pid N | remove-pid N",
		"--pid --ctl --json",
		"Order a plaintap that runs (the only one, or say which by its pid or its socket): tell what it "
		"does, and what came through the probes of each library so far (hits of each place: doctor);"
		" watch the process N and its children too; watch them no more. A run of -p ends when "
		"nobody is left to watch. Where the whole machine is watched, add-pid takes remove-pid back.",
	},
};

int subcommand_from_name(const char *name)
{
	for (int i = 0; i < SUBCOMMAND_CNT; i++)
		if (strcmp(name, subcommand_rows[i].name) == 0)
			return i;
	return -ENOENT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subcommands: the first word of the command line, when it is none of the options. --help, the
 * manual page and the completions are made from this table, too.
 */
#ifndef PLAINTAP_CLI_SUBCOMMANDS_H
#define PLAINTAP_CLI_SUBCOMMANDS_H

#include <stddef.h>

enum subcommand {
	SUBCOMMAND_LS,
	SUBCOMMAND_DOCTOR,
	SUBCOMMAND_CTL,
	SUBCOMMAND_CNT,
};

struct subcommand_row {
	const char *name;
	const char *args;    /* "--probes PID|FILE [--json]" */
	const char *options; /* the long ones, for completions: "--probes --json" */
	const char *help;
};

/* Indexed by enum subcommand. */
extern const struct subcommand_row subcommand_rows[SUBCOMMAND_CNT];

/* The subcommand of that name, or -ENOENT. */
int subcommand_from_name(const char *name);

#endif

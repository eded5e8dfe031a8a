/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program after `--`: it is forked first and waits, with its pid already known, while the
 * probes are placed; then it is let go.
 */
#ifndef PLAINTAP_APP_COMMAND_H
#define PLAINTAP_APP_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct command {
	pid_t pid;   /* 0: none */
	int go_fd;   /* a byte here lets it go; closing it without one ends it */
	int fail_fd; /* an errno comes from here when the program cannot be run */
	bool ended;
	int status; /* as a shell gives it, valid with `ended` */
};

void command_init(struct command *c);
/* Forks; the child waits. `argv` is borrowed until command_go(). */
int command_start(struct command *c, const char *path, char **argv, struct error *ret_error);
/* Lets it run; fails when the kernel does not run the program. */
int command_go(struct command *c, struct error *ret_error);
/* Takes its exit status, if it has ended. Never waits. */
void command_reap(struct command *c);
/* Ends a child that still waits, and frees. */
void command_done(struct command *c);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * While only the named process uses a library, the probes there are in that process ("home") alone,
 * so that other programs with the same library pay nothing. Before a child can reach them they go
 * everywhere: a fork of home waits for it in the kernel, and so does who loads such a library. All
 * of it is the examiner's work, see examiner.h.
 */
#ifndef PLAINTAP_APP_HOME_H
#define PLAINTAP_APP_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "discover/c_library.h"

struct app;

enum { HOME_LIBRARY_MAX = 8 };

struct home {
	bool is_on;					 /* some probes may be in home only */
	pid_t pid;					 /* it may have ended */
	struct c_library_id libraries[HOME_LIBRARY_MAX]; /* C libraries whose forks are probed */
	size_t library_cnt;
};

/* Can the only process that is named be one? When loaders are probed; may take some 20 ms. */
bool home_is_possible(struct app *a);
/* Makes it one, if it has no children and its forks can be seen. Before anything is probed. */
void home_choose(struct app *a);
/* Home, and what it maps gets the probes that are there alone. */
bool home_is(const struct app *a, pid_t pid);
/* What home has loaded so far, as the kernel side counts it: to be asked before looking. */
uint32_t home_loads(struct app *a);
/* Home was looked at, through any thread of it; `loads` is what was asked before. */
void home_was_looked_at(struct app *a, pid_t thread, uint32_t loads);
/* Another process was: what it has mapped is probed everywhere. */
void home_other_was_looked_at(struct app *a, pid_t thread);
/* Home is about to fork, in that thread. */
void home_forks(struct app *a, pid_t thread);
/* Home has forked past that. */
void home_has_forked(struct app *a, pid_t child);
/* What other processes load may be overlooked from now on, so all is probed everywhere. */
void home_give_up(struct app *a, const char *why);
#endif

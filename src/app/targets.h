/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are probed: found for the mode of the run, and attached once each. */
#ifndef PLAINTAP_APP_TARGETS_H
#define PLAINTAP_APP_TARGETS_H

#include <sys/types.h>

#include "base/error.h"

struct app;

/*
 * Finds the libraries of the loader's cache, of the given processes and of the command's program
 * (`program`: its path, NULL without one), and probes them. Fails when a given process is not
 * there, or when there is nothing to probe and nothing to wait for.
 */
/*
 * Begins to look for libraries, in a thread: the given processes', those that `program` (NULL:
 * none; borrowed) needs, and those in the loader's cache. Until targets_attach_all() or
 * targets_wait() nobody else may touch the targets.
 */
void targets_look_ahead(struct app *a, const char *program);
void targets_wait(struct app *a);

int targets_attach_all(struct app *a, const char *program, struct error *ret_error);

/* As -p does, while running: watches a process and its children, and probes what they use. */
int targets_add_process(struct app *a, pid_t pid, struct error *ret_error);

/* What the files of programs say of their version: for when nobody waits. */
void targets_read_versions(struct app *a);
/*
 * Looks at a process that has just started another program, or has loaded something; through a
 * thread of it, as its first one may have ended.
 */
void targets_rescan(struct app *a, pid_t pid, pid_t thread);

#endif

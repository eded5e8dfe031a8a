/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are probed: found for the mode of the run, and attached once each. */
#ifndef PLAINTAP_APP_TARGETS_H
#define PLAINTAP_APP_TARGETS_H

#include <sys/types.h>

#include "base/error.h"
#include "examiner.h"

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

/*
 * Has the examiner look at a process, and probe what it finds; the thread of a held event goes on
 * then.
 */
void targets_order(struct app *a, enum examination_kind kind, const struct load_event *event);
/* The same for a process that nobody holds. */
void targets_order_process(struct app *a, enum examination_kind kind, pid_t pid);
/* The examiner: probes what a program has inside that the process is about to execute. */
void targets_probe_program(struct app *a, int fd, const char *path, pid_t pid);
/* What the files of programs say of their version. */
void targets_order_versions(struct app *a);
/* An examiner_fn; `app` is the struct app. */
void targets_examine(void *app, struct examination *x);
/* What has been found is known from now on, and who waits for it goes on. Never waits. */
void targets_take_answers(struct app *a);

#endif

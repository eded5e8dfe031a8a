/* SPDX-License-Identifier: BSD-2-Clause */
/* From the words of the command line to the kernel's filter of processes. */
#ifndef PLAINTAP_APP_FILTERS_H
#define PLAINTAP_APP_FILTERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct app;
struct app_options;

/* Is there a word about processes? */
bool filters_has_process_words(const struct app_options *opt);
/* Takes the words about connections; before the kernel side is opened. */
int filters_take_conn_rules(struct app *a, struct error *ret_error);
/* Resolves the words about processes and hands them to the kernel side; nothing without words. */
int filters_apply(struct app *a, struct error *ret_error);

/* Says which control groups that were named are not there any more. */
void filters_say_removed(struct app *a);

typedef void (*filters_fn)(void *user, pid_t pid);
/*
 * Calls `fn` for each process that runs now and is let in, if something is wanted: if there are
 * only refusals, for none. Why /proc cannot be read.
 */
int filters_each_running(struct app *a, filters_fn fn, void *user);

#endif

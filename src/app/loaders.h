/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sees libraries come into watched processes: probes the loaders of these, and looks at what they
 * have loaded while the thread that did it waits.
 */
#ifndef PLAINTAP_APP_LOADERS_H
#define PLAINTAP_APP_LOADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wait_times.h"

struct app;
struct load_event;

enum {
	LOADER_MAX = 256,	  /* different loaders; a container may bring its own */
	LOADER_PROGRAM_MAX = 256, /* programs whose loader is remembered */
};

struct loader_file {
	dev_t dev;
	ino_t ino;
	bool is_probed; /* false: of no use here, and not to be tried again */
};

struct loaders {
	struct loader_file files[LOADER_MAX];
	size_t file_cnt;
	struct loader_file programs[LOADER_PROGRAM_MAX]; /* is_probed: their loader is */
	size_t program_cnt;				 /* ever noted; the oldest are replaced */
	bool sees_named; /* the loader of what was named last is probed */
	struct wait_times holds;
	uint64_t fork_cnt, fork_ns; /* forks that have waited, and how long in all */
};

/*
 * Probes a loader; true: it is. Takes the descriptor over; a negative one is none.
 */
bool loaders_see_file(struct app *a, int loader_fd);
/* Probes the loader of a running process. 1: what it loads will be seen; 0: not; -ESRCH: it has
 * ended. */
int loaders_see_process(struct app *a, pid_t pid);
/* The same of a program that does not run yet, and of those that most programs here have. */
void loaders_see_program(struct app *a, const char *program);
void loaders_see_own(struct app *a);
/* A held thread may go on, and nothing is noted of it. */
void loaders_release(struct app *a, const struct load_event *e);
/* What a thread has waited for is done. */
void loaders_let_go(struct app *a, const struct load_event *e);
/* For people: how long programs have waited. */
void loaders_say_holds(struct app *a);

#endif

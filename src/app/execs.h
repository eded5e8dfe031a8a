/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that watched processes execute, looked at before they run: one that is static has no
 * loader that would tell what it has, and the loader of another one may not be probed so far. The
 * thread that executes it waits meanwhile; for a known file that is one look at its place. All of
 * it is the examiner's work, see examiner.h.
 */
#ifndef PLAINTAP_APP_EXECS_H
#define PLAINTAP_APP_EXECS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "discover/c_library.h"
#include "wait_times.h"

struct app;
struct load_event;

enum {
	EXEC_LIBRARY_MAX = 64,	   /* different C libraries; a container may bring its own */
	EXEC_KNOWN_CNT = 512,	   /* files that are remembered; a newer one may take a place */
	EXEC_INTERPRETER_MAX = 64, /* bytes; a program whose loader has a longer path is not */
};

/* A file that was looked at, as it was then. */
struct exec_known {
	dev_t dev;
	ino_t ino; /* 0: none */
	uint64_t changed_ns;
	char interpreter[EXEC_INTERPRETER_MAX]; /* its loader, to be looked at each time; or "" */
};

struct execs {
	struct c_library_id libraries[EXEC_LIBRARY_MAX]; /* that are probed, or cannot be */
	size_t library_cnt;
	struct exec_known known[EXEC_KNOWN_CNT];
	struct wait_times waits; /* of those that were let go with nothing new */
};

/* What a process executes from now on will be told; the same of others with its C library. */
void execs_see_process(struct app *a, pid_t thread);
/* A thread waits to execute a program: what that needs is probed. */
void execs_look(struct app *a, const struct load_event *e);
/* It may, as nothing new was found in it. */
void execs_let_go(struct app *a, const struct load_event *e);
/* For people: how long programs have waited. */
void execs_say_waits(struct app *a);

#endif

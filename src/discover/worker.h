/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exported read or write function does with its arguments: hands them to a worker inside
 * the library (the place to probe: one for several functions, and often cheaper), or calls another
 * exported function of the same role (which then is the place, lest bytes count twice).
 */
#ifndef PLAINTAP_DISCOVER_WORKER_H
#define PLAINTAP_DISCOVER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/target.h"

struct code;

enum { WORKER_TARGET_MAX = 32, WORKER_REASON_MAX = 96 };

/* An exported function (object, buffer, length, …). */
struct worker_function {
	const char *name;
	uint64_t vaddr;
	uint64_t size; /* bytes; 0: not known */
	enum probe_len len_from;
};

struct worker_result {
	/* Proven for every way through the function that may return success; 0: not. */
	uint64_t vaddr;
	enum probe_len len_from; /* how the worker tells the number of bytes */
	int delegate;		 /* index of the exported function that is called; -1: none */
	uint64_t targets[WORKER_TARGET_MAX]; /* of the direct calls that were seen */
	size_t target_cnt;
	char reason[WORKER_REASON_MAX]; /* why there is no worker */
};

/*
 * Examines functions[which]; the others, of the same role, are those it may call instead of a
 * worker. Never fails: what is not understood is a reason.
 */
void worker_find(struct code *c, const struct worker_function *functions, size_t cnt, size_t which,
		 struct worker_result *ret);

#endif

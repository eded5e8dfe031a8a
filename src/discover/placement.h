/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where exactly to probe: the cheapest correct instruction for each role of a library.
 *
 * A return probe takes the return address from the top of the stack (or the link register) when it
 * is hit, so its place is only ever the first instruction of a function, or the one right behind a
 * landing pad there: nothing has been pushed yet. Where no return is wanted, any instruction will
 * do that each call passes once with the object still in its register.
 */
#ifndef PLAINTAP_DISCOVER_PLACEMENT_H
#define PLAINTAP_DISCOVER_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "model/target.h"

struct code;

/* An exported function, and what a call of it means. */
struct placement_function {
	const char *symbol;
	uint64_t vaddr;
	uint64_t size; /* bytes; 0: not known */
	enum probe_role role;
	enum probe_len len_from;
};

enum { PLACEMENT_FUNCTION_MAX = 16 };

struct placement_question {
	struct placement_function functions[PLACEMENT_FUNCTION_MAX];
	size_t cnt;
	/* Functions that take the same arguments but move nothing (SSL_peek): the worker of
	 * the reading functions must not be theirs. role and len_from as for the readers. */
	struct placement_function peeks[2];
	size_t peek_cnt;
};

/* Fills the points and fallbacks of `t`. -ENOBUFS: more points than a target holds. */
int placement_choose(struct code *c, const struct placement_question *q, struct target *t);
/* The same without workers and landing pads: every function at its first instruction. */
int placement_choose_plain(struct code *c, const struct placement_question *q, struct target *t);

#endif

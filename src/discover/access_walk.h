/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks every way through an accessor function and tells what each returns and stores, in terms of
 * the object that it is asked about, and under which conditions on the object's fields.
 */
#ifndef PLAINTAP_DISCOVER_ACCESS_WALK_H
#define PLAINTAP_DISCOVER_ACCESS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discover/access_insn.h"

enum access_value_kind {
	ACCESS_UNKNOWN,
	ACCESS_NUMBER,	/* `at[0]` */
	ACCESS_STACK,	/* the stack pointer at entry + at[0] */
	ACCESS_ARG,	/* argument `arg` + at[0]; argument 0 is the object */
	ACCESS_FIELD,	/* the `len` bytes at at[0] of the object */
	ACCESS_THROUGH, /* the `len` bytes at at[1] of what the pointer at at[0] leads to */
	ACCESS_BEHIND,	/* what the pointer at at[0] leads to, + at[1] */
	ACCESS_NEXT,	/* what the function `next` returns for the pointer at at[0] */
};

struct access_value {
	enum access_value_kind kind;
	uint8_t arg, len;
	int64_t at[2];
};

/* (value & mask) == want, or != */
struct access_condition {
	struct access_value value;
	uint64_t mask, want;
	bool equal;
};

enum { ACCESS_CONDITION_MAX = 8, ACCESS_OUTCOME_MAX = 128, ACCESS_REASON_MAX = 64 };

/* What one way comes to. Ways that end in a trap have none. */
struct access_outcome {
	struct access_value result;
	struct access_value stored[3]; /* through argument 1 and 2: what lies at the pointer;
					  [0]: what was put into the object */
	int64_t stored_at;	       /* in the object */
	uint8_t stored_len;	       /* there; 0: nothing */
	bool unsure; /* it also stored something elsewhere, or more than once into the object */
	struct access_condition conditions[ACCESS_CONDITION_MAX];
	size_t condition_cnt;
};

struct access_question {
	struct code *code;
	uint64_t vaddr, size; /* of the function */
	/* A function that is followed by name (ACCESS_NEXT); vaddr 0: it is in another file. */
	const char *next;
	uint64_t next_vaddr;
	/*
	 * Only what is stored first through an argument matters: memcpy to there is followed, and
	 * of a loop one round.
	 */
	bool copies;
};

struct access_answer {
	struct access_outcome outcomes[ACCESS_OUTCOME_MAX];
	size_t cnt;
	char reason[ACCESS_REASON_MAX]; /* why it was not walked to the end; else "" */
};

bool access_value_equal(const struct access_value *a, const struct access_value *b);

/* The object is assumed to be there (not NULL). 0, or -EBADMSG with a reason. */
int access_walk(const struct access_question *q, struct access_answer *ret);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions in the terms that reading accessor functions needs, the same for all machines: what
 * is loaded from where, stored, compared, and where it goes on. What is not understood makes the
 * registers it may write unknown.
 */
#ifndef PLAINTAP_DISCOVER_ACCESS_INSN_H
#define PLAINTAP_DISCOVER_ACCESS_INSN_H

#include <stdint.h>

#include "code.h"

enum { ACCESS_REG_CNT = 32, ACCESS_REG_NONE = ACCESS_REG_CNT, ACCESS_OP_MAX = 4 };

enum access_kind {
	ACCESS_WRITE,  /* the registers in `set` have an unknown value */
	ACCESS_COPY,   /* dst = src */
	ACCESS_LOW,    /* dst = the low 32 bits of src */
	ACCESS_OFFSET, /* dst = src + value */
	ACCESS_CONST,  /* dst = value */
	ACCESS_LOAD,   /* dst = `len` bytes at src + value */
	ACCESS_STORE, /* `len` bytes at src + value = dst, or `want` when mask is not 0, or unknown;
			 src NONE: anywhere */
	ACCESS_TEST, /* the flag "equal" is ((dst, or `len` bytes at src + value) & mask) == want */
	ACCESS_UNSURE, /* that flag is not known */
};

struct access_op {
	enum access_kind kind;
	uint8_t dst, src;
	uint8_t len;
	uint32_t set;
	int64_t value;
	uint64_t mask, want;
};

struct access_insn {
	uint64_t next; /* address behind it */
	struct access_op ops[ACCESS_OP_MAX];
	unsigned op_cnt;
	enum insn_flow flow;
	uint64_t target; /* 0: not known */
	enum insn_cond cond;
};

/* Registers by their part in a call. */
struct access_machine {
	uint8_t args[3], result, stack;
	uint32_t kept; /* set of those that a called function leaves as they are */
};

const struct access_machine *access_machine_of(const struct code *c);

/* -EBADMSG: no code there, or no instruction. */
int access_decode(struct code *c, uint64_t vaddr, struct access_insn *ret);

#endif

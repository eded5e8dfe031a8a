/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions of a library, one at a time, in the few terms that placement needs. The only
 * user of the disassembler. The bytes may be anything: all reads are bounded by the source.
 */
#ifndef PLAINTAP_DISCOVER_CODE_H
#define PLAINTAP_DISCOVER_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/target.h"

enum code_machine { CODE_X86_64, CODE_ARM64 };

/* Where the bytes come from. */
struct code_source {
	enum code_machine machine;
	/* Copies up to `len` bytes of executable code; returns how many there are. */
	size_t (*read)(void *user, uint64_t vaddr, void *to, size_t len);
	/* Name of the function whose address the loader puts into this slot; NULL: none. */
	const char *(*import)(void *user, uint64_t slot);
	/* Where the byte is in the file; false: nowhere, or it cannot be probed. */
	bool (*file_offset)(void *user, uint64_t vaddr, uint64_t *ret);
	void *user;
};

enum insn_flow {
	INSN_NEXT,   /* goes on behind it */
	INSN_CALL,   /* to `target` (0: not known), and on */
	INSN_JUMP,   /* to `target` (0: not known; then perhaps through `slot`) */
	INSN_BRANCH, /* to `target`, or on */
	INSN_RETURN,
	INSN_STOP, /* traps */
};

/* x86-64 only: what an instruction does to general registers, as far as it is understood. */
enum insn_effect {
	INSN_EFFECT_OTHER,  /* the registers in `written` have an unknown value */
	INSN_EFFECT_COPY,   /* dst = src */
	INSN_EFFECT_EXTEND, /* dst = the low 32 bits of src, with sign or zeros */
	INSN_EFFECT_OFFSET, /* dst = src + value */
	INSN_EFFECT_CONST,  /* dst = value */
	INSN_EFFECT_LOAD,   /* dst = memory at src + value, perhaps only on a condition */
	INSN_EFFECT_PUSH,
	INSN_EFFECT_POP, /* into dst */
};

/* x86-64 only: what an instruction makes of the flag that "equal" branches ask for. */
enum insn_test {
	INSN_TEST_KEEP, /* nothing */
	INSN_TEST_UNKNOWN,
	INSN_TEST_EQUAL, /* (operand & mask) == value */
};

/* x86-64 only: when a branch is taken. */
enum insn_cond {
	INSN_COND_UNKNOWN,
	INSN_COND_EQUAL,
	INSN_COND_UNEQUAL,
};

/* Numbers of the general registers in `written`, `dst` and `src`. */
enum insn_reg {
	REG_RAX,
	REG_RCX,
	REG_RDX,
	REG_RBX,
	REG_RSP,
	REG_RBP,
	REG_RSI,
	REG_RDI,
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	REG_CNT,
	REG_NONE = REG_CNT,
};

enum { INSN_TEXT_MAX = PROBE_INSTRUCTION_MAX };

struct insn {
	uint64_t vaddr;
	unsigned len; /* bytes */
	enum insn_flow flow;
	uint64_t target;
	uint64_t slot; /* of an indirect jump through memory at a fixed place; 0: none */
	enum probe_cost cost;
	bool is_landing_pad; /* does nothing but allow an indirect call: endbr64, bti */
	enum insn_effect effect;
	uint16_t written; /* set of registers, bits by enum insn_reg */
	enum insn_reg dst, src;
	int64_t value;
	unsigned char load_len; /* bytes that INSN_EFFECT_LOAD reads; 0: perhaps none */
	/* Of a memory operand that is a register and a distance; len 0: there is none. */
	struct {
		enum insn_reg base;
		int64_t distance;
		unsigned char len;
	} mem;
	bool writes_memory;   /* in an operand (not the stack of push and call) */
	enum insn_reg stored; /* whose value goes to `mem`, or is pushed; REG_NONE: another one */
	bool stores_value;    /* `value` goes to `mem` */
	enum insn_test test;
	enum insn_reg test_reg; /* operand of the test; REG_NONE: `mem` */
	uint64_t test_mask, test_value;
	enum insn_cond cond; /* of INSN_BRANCH */
	char text[INSN_TEXT_MAX];
};

struct code;

/* `source` is copied. -ENOMEM; -ENOTSUP: the disassembler does not know the machine. */
int code_open(const struct code_source *source, struct code **ret);
/* NULL is fine. */
void code_close(struct code *c);
enum code_machine code_machine(const struct code *c);

/* False: not in the file's code. */
bool code_file_offset(const struct code *c, uint64_t vaddr, uint64_t *ret);

/* The bytes themselves: copies up to `len`; returns how many there are. */
size_t code_read(const struct code *c, uint64_t vaddr, void *to, size_t len);

/* -EBADMSG: no code there, or no instruction. */
int code_decode(struct code *c, uint64_t vaddr, struct insn *ret);

/*
 * If the code at `vaddr` does nothing but jump to a function of another (or this) file by way of
 * the loader: that function's name, valid as long as the source. Otherwise NULL.
 */
const char *code_import_at(struct code *c, uint64_t vaddr);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "access_insn.h"

#include <errno.h>
#include <stdbool.h>

enum { WORD_LEN = 8, ARM64_LEN = 4, ARM64_SP = 31, BRANCH_EQ = 0, BRANCH_NE = 1 };

#define BIT(n) (UINT32_C(1) << (n))

static const struct access_machine x86_64 = {
	.args = { REG_RDI, REG_RSI, REG_RDX },
	.result = REG_RAX,
	.stack = REG_RSP,
	.kept = BIT(REG_RBX) | BIT(REG_RBP) | BIT(REG_RSP) | BIT(REG_R12) | BIT(REG_R13) |
		BIT(REG_R14) | BIT(REG_R15),
};

/* x19 to x29, sp. */
static const struct access_machine arm64 = {
	.args = { 0, 1, 2 }, .result = 0, .stack = ARM64_SP, .kept = 0xbff80000
};

const struct access_machine *access_machine_of(const struct code *c)
{
	return code_machine(c) == CODE_X86_64 ? &x86_64 : &arm64;
}

static struct access_op *add(struct access_insn *i, enum access_kind kind)
{
	/* Never full: the decoders below add three at most. */
	struct access_op *op = &i->ops[i->op_cnt++];

	*op = (struct access_op){ .kind = kind, .dst = ACCESS_REG_NONE, .src = ACCESS_REG_NONE };
	return op;
}

static void add_move(struct access_insn *i, enum access_kind kind, unsigned dst, unsigned src,
		     int64_t value)
{
	struct access_op *op = add(i, kind);

	op->dst = (uint8_t)dst;
	op->src = (uint8_t)src;
	op->value = value;
}

static void add_memory(struct access_insn *i, enum access_kind kind, unsigned reg, unsigned base,
		       int64_t distance, unsigned len)
{
	add_move(i, kind, reg, base, distance);
	i->ops[i->op_cnt - 1].len = (uint8_t)len;
}

static void add_write(struct access_insn *i, uint32_t set)
{
	if (set)
		add(i, ACCESS_WRITE)->set = set;
}

static uint8_t reg_of(enum insn_reg reg)
{
	return reg == REG_NONE ? ACCESS_REG_NONE : (uint8_t)reg;
}

static void x86_effect(const struct insn *insn, struct access_insn *ret)
{
	uint8_t dst = reg_of(insn->dst), src = reg_of(insn->src);

	switch (insn->effect) {
	case INSN_EFFECT_COPY:
		add_move(ret, ACCESS_COPY, dst, src, 0);
		break;
	case INSN_EFFECT_EXTEND:
		add_move(ret, ACCESS_LOW, dst, src, 0);
		break;
	case INSN_EFFECT_OFFSET:
		add_move(ret, ACCESS_OFFSET, dst, src, insn->value);
		break;
	case INSN_EFFECT_CONST:
		add_move(ret, ACCESS_CONST, dst, ACCESS_REG_NONE, insn->value);
		break;
	case INSN_EFFECT_LOAD:
		if (insn->load_len)
			add_memory(ret, ACCESS_LOAD, dst, src, insn->value, insn->load_len);
		else
			add_write(ret, BIT(dst));
		break;
	case INSN_EFFECT_POP:
		add_memory(ret, ACCESS_LOAD, dst, REG_RSP, 0, WORD_LEN);
		add_move(ret, ACCESS_OFFSET, REG_RSP, REG_RSP, WORD_LEN);
		break;
	case INSN_EFFECT_PUSH:
		add_move(ret, ACCESS_OFFSET, REG_RSP, REG_RSP, -WORD_LEN);
		add_memory(ret, ACCESS_STORE, reg_of(insn->stored), REG_RSP, 0, WORD_LEN);
		break;
	case INSN_EFFECT_OTHER:
		add_write(ret, insn->written);
		break;
	}
}

static int x86_decode(struct code *c, uint64_t vaddr, struct access_insn *ret)
{
	struct access_op *test;
	struct insn insn;
	int r = code_decode(c, vaddr, &insn);

	if (r < 0)
		return r;
	ret->next = vaddr + insn.len;
	ret->flow = insn.flow;
	ret->target = insn.target;
	ret->cond = insn.cond;
	if (insn.flow != INSN_NEXT)
		return 0;
	x86_effect(&insn, ret);
	if (insn.writes_memory && insn.mem.len)
		add_memory(ret, ACCESS_STORE, reg_of(insn.stored), insn.mem.base, insn.mem.distance,
			   insn.mem.len);
	if (insn.stores_value && ret->op_cnt) {
		ret->ops[ret->op_cnt - 1].mask = UINT64_MAX;
		ret->ops[ret->op_cnt - 1].want = (uint64_t)insn.value;
	}
	if (insn.writes_memory && !insn.mem.len)
		add(ret, ACCESS_STORE);
	if (insn.test == INSN_TEST_UNKNOWN)
		add(ret, ACCESS_UNSURE);
	if (insn.test != INSN_TEST_EQUAL)
		return 0;
	test = add(ret, ACCESS_TEST);
	test->dst = reg_of(insn.test_reg);
	test->mask = insn.test_mask;
	test->want = insn.test_value;
	if (insn.test_reg == REG_NONE) {
		test->src = reg_of(insn.mem.base);
		test->value = insn.mem.distance;
		test->len = insn.mem.len;
	}
	return 0;
}

/* Bits lo to lo + cnt - 1. */
static uint32_t bits(uint32_t word, unsigned lo, unsigned cnt)
{
	return word >> lo & (BIT(cnt) - 1);
}

static int64_t signed_bits(uint32_t word, unsigned lo, unsigned cnt)
{
	int64_t value = bits(word, lo, cnt);

	return value >> (cnt - 1) ? value - (INT64_C(1) << cnt) : value;
}

static uint64_t arm64_target(uint64_t vaddr, uint32_t word, unsigned lo, unsigned cnt)
{
	return vaddr + (uint64_t)(signed_bits(word, lo, cnt) * ARM64_LEN);
}

static void arm64_test(struct access_insn *ret, unsigned reg, uint64_t mask, uint64_t want)
{
	struct access_op *op = add(ret, ACCESS_TEST);

	op->dst = (uint8_t)reg;
	op->mask = mask;
	op->want = want;
}

/* Register 31 is zero here, and is not followed: a test of it is not known. */
static void arm64_tested_branch(struct access_insn *ret, uint64_t vaddr, uint32_t word)
{
	bool bit_test = bits(word, 25, 1), wide = bits(word, 31, 1);
	unsigned bit = bits(word, 19, 5) | (wide ? 32 : 0);
	uint64_t mask = bit_test ? UINT64_C(1) << bit : wide ? UINT64_MAX : UINT32_MAX;

	ret->flow = INSN_BRANCH;
	ret->cond = bits(word, 24, 1) ? INSN_COND_UNEQUAL : INSN_COND_EQUAL;
	ret->target = bit_test ? arm64_target(vaddr, word, 5, 14)
			       : arm64_target(vaddr, word, 5, 19);
	if (bits(word, 0, 5) == ARM64_SP)
		add(ret, ACCESS_UNSURE);
	else
		arm64_test(ret, bits(word, 0, 5), mask, 0);
}

/* False: none of these. */
static bool arm64_flow(struct access_insn *ret, uint64_t vaddr, uint32_t word)
{
	if ((word & 0x7c000000) == 0x14000000) {
		ret->flow = word >> 31 ? INSN_CALL : INSN_JUMP;
		ret->target = arm64_target(vaddr, word, 0, 26);
	} else if ((word & 0x7c000000) == 0x34000000) {
		arm64_tested_branch(ret, vaddr, word);
	} else if ((word & 0xff000010) == 0x54000000) {
		ret->flow = INSN_BRANCH;
		ret->target = arm64_target(vaddr, word, 5, 19);
		ret->cond = bits(word, 0, 4) == BRANCH_EQ   ? INSN_COND_EQUAL
			    : bits(word, 0, 4) == BRANCH_NE ? INSN_COND_UNEQUAL
							    : INSN_COND_UNKNOWN;
	} else if ((word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff) {
		ret->flow = INSN_RETURN;
	} else if ((word & 0xfe000000) == 0xd6000000) {
		ret->flow = bits(word, 21, 2) == 1 ? INSN_CALL : INSN_JUMP; /* by register */
	} else if ((word & 0xff00001f) != 0xd4000001 && (word & 0xff000000) == 0xd4000000) {
		ret->flow = INSN_STOP; /* brk and its like, but not svc */
	} else {
		return false;
	}
	return true;
}

/* Register 31 is zero here. */
static void arm64_load_or_store(struct access_insn *ret, bool load, unsigned reg, unsigned base,
				int64_t distance, unsigned len)
{
	if (load && reg != ARM64_SP) {
		add_memory(ret, ACCESS_LOAD, reg, base, distance, len);
	} else if (!load && reg != ARM64_SP) {
		add_memory(ret, ACCESS_STORE, reg, base, distance, len);
	} else if (!load) {
		add_memory(ret, ACCESS_STORE, ACCESS_REG_NONE, base, distance, len);
		ret->ops[ret->op_cnt - 1].mask = UINT64_MAX;
	}
}

/* ldp, stp of general registers. */
static void arm64_pair(struct access_insn *ret, uint32_t word)
{
	unsigned len = bits(word, 31, 1) ? 8 : 4, base = bits(word, 5, 5);
	unsigned mode = bits(word, 23, 2); /* 1: base changes behind it, 3: before it */
	int64_t distance = signed_bits(word, 15, 7) * len;
	bool load = bits(word, 22, 1);

	if (mode == 3)
		add_move(ret, ACCESS_OFFSET, base, base, distance);
	arm64_load_or_store(ret, load, bits(word, 0, 5), base, mode == 2 ? distance : 0, len);
	/* The first load may have changed the base. */
	if (load && bits(word, 0, 5) == base)
		add_write(ret, BIT(bits(word, 10, 5)));
	else
		arm64_load_or_store(ret, load, bits(word, 10, 5), base,
				    (mode == 2 ? distance : 0) + len, len);
	if (mode == 1)
		add_move(ret, ACCESS_OFFSET, base, base, distance);
}

static void arm64_vector_store(struct access_insn *ret, uint32_t word)
{
	unsigned len = bits(word, 23, 1) ? 16 : BIT(bits(word, 30, 2));

	add_memory(ret, ACCESS_STORE, ACCESS_REG_NONE, bits(word, 5, 5),
		   (int64_t)bits(word, 10, 12) * len, len);
}

static bool arm64_memory(struct access_insn *ret, uint32_t word)
{
	unsigned len = bits(word, 30, 1) ? 8 : 4;
	unsigned base = bits(word, 5, 5);

	if ((word & 0xbf800000) == 0xb9000000) /* ldr, str, with an unsigned distance */
		arm64_load_or_store(ret, bits(word, 22, 1), bits(word, 0, 5), base,
				    (int64_t)bits(word, 10, 12) * len, len);
	else if ((word & 0x7e000000) == 0x28000000 && bits(word, 23, 2))
		arm64_pair(ret, word);
	else if ((word & 0x3f400000) == 0x3d400000) /* into a vector register */
		return true;
	else if ((word & 0x3f400000) == 0x3d000000)
		arm64_vector_store(ret, word);
	else
		return false;
	return true;
}

static void arm64_constant(struct access_insn *ret, uint32_t word)
{
	uint64_t value = (uint64_t)bits(word, 5, 16) << 16 * bits(word, 21, 2);
	unsigned opc = bits(word, 29, 2);

	if (opc == 0) /* movn */
		value = ~value;
	if (!(word >> 31))
		value &= UINT32_MAX;
	if (opc == 3) /* movk */
		add_write(ret, BIT(bits(word, 0, 5)));
	else
		add_move(ret, ACCESS_CONST, bits(word, 0, 5), ACCESS_REG_NONE, (int64_t)value);
}

/* Arithmetic; whatever else it is, it writes the register in its low bits only. */
static void arm64_compute(struct access_insn *ret, uint32_t word)
{
	unsigned dst = bits(word, 0, 5), src = bits(word, 5, 5);
	int64_t imm = (int64_t)bits(word, 10, 12) << (bits(word, 22, 1) ? 12 : 0);

	if ((word & 0x7fe0ffe0) == 0x2a0003e0 && bits(word, 16, 5) != ARM64_SP) { /* mov */
		add_move(ret, word >> 31 ? ACCESS_COPY : ACCESS_LOW, dst, bits(word, 16, 5), 0);
	} else if ((word & 0x1f800000) == 0x12800000) {
		arm64_constant(ret, word);
	} else if ((word & 0xbf800000) == 0x91000000) { /* add, sub */
		add_move(ret, ACCESS_OFFSET, dst, src, bits(word, 30, 1) ? -imm : imm);
	} else if ((word & 0x7f80001f) == 0x7100001f && src != ARM64_SP) { /* cmp */
		arm64_test(ret, src, word >> 31 ? UINT64_MAX : UINT32_MAX, (uint64_t)imm);
	} else {
		/* 31 is zero here, but for a sum with a register, and a logical one with a number.
		 */
		bool to_stack = (word & 0x3fe00000) == 0x0b200000 ||
				((word & 0x1f800000) == 0x12000000 && bits(word, 29, 2) != 3);

		add_write(ret, dst == ARM64_SP && !to_stack ? 0 : BIT(dst));
		add(ret, ACCESS_UNSURE);
	}
}

static int arm64_decode(struct code *c, uint64_t vaddr, struct access_insn *ret)
{
	uint32_t word, group;

	if (code_read(c, vaddr, &word, sizeof(word)) != sizeof(word) || vaddr % ARM64_LEN)
		return -EBADMSG;
	ret->next = vaddr + ARM64_LEN;
	if ((word & 0xfffff01f) == 0xd503201f) /* nop, bti, paciasp … */
		return 0;
	if (arm64_flow(ret, vaddr, word) || arm64_memory(ret, word))
		return 0;
	group = bits(word, 25, 4);
	if (!group)
		return -EBADMSG;
	if (group == 8 || group == 9 || (group & 7) == 5 || (group & 7) == 7) {
		arm64_compute(ret, word);
		return 0;
	}
	/* Another load, a store, a system instruction. */
	add_write(ret, UINT32_MAX);
	add(ret, ACCESS_STORE);
	add(ret, ACCESS_UNSURE);
	return 0;
}

int access_decode(struct code *c, uint64_t vaddr, struct access_insn *ret)
{
	*ret = (struct access_insn){ .flow = INSN_NEXT };
	return code_machine(c) == CODE_X86_64 ? x86_decode(c, vaddr, ret)
					      : arm64_decode(c, vaddr, ret);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <capstone/capstone.h>

#include "insn_cost.h"

enum { INSN_LEN_MAX = 15, ARM64_LEN = 4, STUB_INSN_MAX = 5 };

struct code {
	struct code_source source;
	csh handle;
	cs_insn *insn; /* scratch */
};

int code_open(const struct code_source *source, struct code **ret)
{
	bool x86 = source->machine == CODE_X86_64;
	struct code *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->source = *source;
	if (cs_open(x86 ? CS_ARCH_X86 : CS_ARCH_ARM64, x86 ? CS_MODE_64 : CS_MODE_ARM,
		    &c->handle) != CS_ERR_OK) {
		free(c);
		return -ENOTSUP;
	}
	cs_option(c->handle, CS_OPT_DETAIL, CS_OPT_ON);
	c->insn = cs_malloc(c->handle);
	if (!c->insn) {
		code_close(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void code_close(struct code *c)
{
	if (!c)
		return;
	if (c->insn)
		cs_free(c->insn, 1);
	cs_close(&c->handle);
	free(c);
}

enum code_machine code_machine(const struct code *c)
{
	return c->source.machine;
}

bool code_file_offset(const struct code *c, uint64_t vaddr, uint64_t *ret)
{
	return c->source.file_offset(c->source.user, vaddr, ret);
}

/* All widths of a register count as the register. */
static enum insn_reg reg_number(unsigned reg)
{
	static const uint16_t names[REG_CNT][5] = {
		{ X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH },
		{ X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH },
		{ X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL },
		{ X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
		{ X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B },
		{ X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B },
		{ X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B },
		{ X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B },
		{ X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B },
		{ X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B },
		{ X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B },
	};

	for (unsigned i = 0; i < REG_CNT; i++)
		for (unsigned k = 0; k < 5; k++)
			if (names[i][k] && names[i][k] == reg)
				return (enum insn_reg)i;
	return REG_NONE;
}

static uint16_t registers_written(csh handle, const cs_insn *i)
{
	cs_regs read, written;
	uint8_t read_cnt = 0, written_cnt = 0;
	uint16_t set = 0;

	/* What cannot be told may have touched everything. */
	if (cs_regs_access(handle, i, read, &read_cnt, written, &written_cnt) != CS_ERR_OK)
		return UINT16_MAX;
	for (unsigned k = 0; k < written_cnt; k++) {
		enum insn_reg reg = reg_number(written[k]);

		if (reg != REG_NONE)
			set |= (uint16_t)(1u << reg);
	}
	return set;
}

static void set_effect(struct insn *ret, enum insn_effect effect, const cs_x86_op *dst,
		       enum insn_reg src, int64_t value)
{
	enum insn_reg reg = reg_number(dst->reg);

	if (reg == REG_NONE || dst->size < 4)
		return;
	ret->effect = effect;
	ret->dst = reg;
	ret->src = src;
	ret->value = value;
}

static bool is_based(const cs_x86_op *op)
{
	return op->type == X86_OP_MEM && op->mem.index == X86_REG_INVALID &&
	       op->mem.segment == X86_REG_INVALID && op->mem.base != X86_REG_RIP &&
	       reg_number(op->mem.base) != REG_NONE;
}

static void set_load(struct insn *ret, const cs_x86_op *dst, const cs_x86_op *src)
{
	set_effect(ret, INSN_EFFECT_LOAD, dst, reg_number(src->mem.base), src->mem.disp);
	if (ret->effect == INSN_EFFECT_LOAD)
		ret->load_len = dst->size;
}

static void mov_effect(struct insn *ret, const cs_x86_op *dst, const cs_x86_op *src)
{
	if (src->type == X86_OP_REG && dst->size == 8)
		set_effect(ret, INSN_EFFECT_COPY, dst, reg_number(src->reg), 0);
	else if (src->type == X86_OP_REG && dst->size == 4)
		set_effect(ret, INSN_EFFECT_EXTEND, dst, reg_number(src->reg), 0);
	else if (src->type == X86_OP_IMM)
		set_effect(ret, INSN_EFFECT_CONST, dst, REG_NONE, src->imm);
	else if (is_based(src))
		set_load(ret, dst, src);
}

static void set_test(struct insn *ret, const cs_x86_op *op, uint64_t mask, uint64_t value)
{
	bool high = op->type == X86_OP_REG && (op->reg == X86_REG_AH || op->reg == X86_REG_BH ||
					       op->reg == X86_REG_CH || op->reg == X86_REG_DH);
	uint64_t all = op->size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * op->size) - 1;

	if (high || (op->type == X86_OP_MEM && !ret->mem.len))
		return;
	ret->test = INSN_TEST_EQUAL;
	ret->test_reg = op->type == X86_OP_REG ? reg_number(op->reg) : REG_NONE;
	ret->test_mask = mask & all;
	ret->test_value = value & all;
	if (op->type == X86_OP_REG && ret->test_reg == REG_NONE)
		ret->test = INSN_TEST_UNKNOWN;
}

/* Anything but a few moves may change the flags. */
static void x86_test(const cs_insn *i, struct insn *ret)
{
	const cs_x86_op *a = &i->detail->x86.operands[0], *b = &i->detail->x86.operands[1];

	ret->test = INSN_TEST_UNKNOWN;
	switch (i->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
	case X86_INS_LEA:
	case X86_INS_PUSH:
	case X86_INS_POP:
	case X86_INS_NOP:
	case X86_INS_JMP:
		ret->test = INSN_TEST_KEEP;
		break;
	case X86_INS_TEST:
		if (b->type == X86_OP_IMM)
			set_test(ret, a, (uint64_t)b->imm, 0);
		else if (a->type == X86_OP_REG && b->type == X86_OP_REG && a->reg == b->reg)
			set_test(ret, a, UINT64_MAX, 0);
		break;
	case X86_INS_CMP:
		if (b->type == X86_OP_IMM)
			set_test(ret, a, UINT64_MAX, (uint64_t)b->imm);
		break;
	default:
		break;
	}
	if (ret->is_landing_pad)
		ret->test = INSN_TEST_KEEP;
	if (i->id == X86_INS_JE || i->id == X86_INS_JNE)
		ret->cond = i->id == X86_INS_JE ? INSN_COND_EQUAL : INSN_COND_UNEQUAL;
}

static void x86_memory(const cs_insn *i, struct insn *ret)
{
	const cs_x86 *x = &i->detail->x86;

	for (unsigned k = 0; k < x->op_count; k++) {
		const cs_x86_op *op = &x->operands[k];

		if (op->type != X86_OP_MEM || i->id == X86_INS_LEA || i->id == X86_INS_NOP)
			continue;
		/* What is not told to be a read only may be a write, too. */
		ret->writes_memory |= op->access != CS_AC_READ && i->id != X86_INS_TEST &&
				      i->id != X86_INS_CMP;
		if (!is_based(op))
			continue;
		ret->mem.base = reg_number(op->mem.base);
		ret->mem.distance = op->mem.disp;
		ret->mem.len = op->size;
		if (k == 0 && i->id == X86_INS_MOV && x->operands[1].type == X86_OP_REG)
			ret->stored = reg_number(x->operands[1].reg);
		else if (k == 0 && i->id == X86_INS_MOV)
			ret->stores_value = x->operands[1].type == X86_OP_IMM;
		if (ret->stores_value)
			ret->value = x->operands[1].imm;
	}
}

static void two_operand_effect(struct insn *ret, const cs_insn *i)
{
	const cs_x86_op *dst = &i->detail->x86.operands[0], *src = &i->detail->x86.operands[1];
	bool imm = src->type == X86_OP_IMM && dst->size == 8;

	switch (i->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
		mov_effect(ret, dst, src);
		return;
	case X86_INS_MOVSXD:
		if (src->type == X86_OP_REG && dst->size == 8 && src->size == 4)
			set_effect(ret, INSN_EFFECT_EXTEND, dst, reg_number(src->reg), 0);
		return;
	case X86_INS_LEA:
		if (is_based(src) && dst->size == 8)
			set_effect(ret, INSN_EFFECT_OFFSET, dst, reg_number(src->mem.base),
				   src->mem.disp);
		return;
	case X86_INS_ADD:
		if (imm)
			set_effect(ret, INSN_EFFECT_OFFSET, dst, reg_number(dst->reg), src->imm);
		return;
	case X86_INS_SUB:
		if (imm && src->imm != INT64_MIN)
			set_effect(ret, INSN_EFFECT_OFFSET, dst, reg_number(dst->reg), -src->imm);
		return;
	case X86_INS_OR:
		if (src->type == X86_OP_IMM && dst->size == 4 && (int32_t)src->imm == -1)
			set_effect(ret, INSN_EFFECT_CONST, dst, REG_NONE, -1);
		return;
	case X86_INS_XOR:
		if (src->type == X86_OP_REG && src->reg == dst->reg)
			set_effect(ret, INSN_EFFECT_CONST, dst, REG_NONE, 0);
		return;
	default:
		/* The result of a call, taken only if there was one. */
		if (strncmp(i->mnemonic, "cmov", 4) == 0 && is_based(src))
			set_effect(ret, INSN_EFFECT_LOAD, dst, reg_number(src->mem.base),
				   src->mem.disp);
	}
}

static void x86_effect(csh handle, const cs_insn *i, struct insn *ret)
{
	const cs_x86 *x = &i->detail->x86;

	ret->written = registers_written(handle, i);
	if (i->id == X86_INS_PUSH) {
		ret->effect = INSN_EFFECT_PUSH;
		/* Two bytes only are moved with a prefix: then the stack pointer is not known. */
		if (x->op_count != 1 || x->operands[0].size != 8)
			ret->effect = INSN_EFFECT_OTHER;
		else if (x->operands[0].type == X86_OP_REG)
			ret->stored = reg_number(x->operands[0].reg);
	} else if (i->id == X86_INS_POP && x->op_count == 1 && x->operands[0].type == X86_OP_REG &&
		   x->operands[0].size == 8) {
		set_effect(ret, INSN_EFFECT_POP, &x->operands[0], REG_NONE, 0);
	} else if (x->op_count == 2 && x->operands[0].type == X86_OP_REG) {
		two_operand_effect(ret, i);
	}
}

static void x86_flow(const cs_insn *i, struct insn *ret)
{
	const cs_x86 *x = &i->detail->x86;
	const cs_x86_op *op = &x->operands[0];
	bool direct = x->op_count == 1 && op->type == X86_OP_IMM;

	if (i->id == X86_INS_CALL) {
		ret->flow = INSN_CALL;
	} else if (i->id == X86_INS_JMP) {
		ret->flow = INSN_JUMP;
		if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP &&
		    op->mem.index == X86_REG_INVALID)
			ret->slot = i->address + i->size + (uint64_t)op->mem.disp;
	} else if (i->id == X86_INS_RET) {
		ret->flow = INSN_RETURN;
	} else if (direct && (i->mnemonic[0] == 'j' || strncmp(i->mnemonic, "loop", 4) == 0)) {
		ret->flow = INSN_BRANCH;
	} else if (i->id == X86_INS_UD2 || i->id == X86_INS_HLT || i->id == X86_INS_INT3 ||
		   i->id == X86_INS_LJMP || i->id == X86_INS_LCALL || i->id == X86_INS_RETF ||
		   i->id == X86_INS_XBEGIN) {
		ret->flow = INSN_STOP;
	}
	if (direct && ret->flow != INSN_NEXT)
		ret->target = (uint64_t)op->imm;
}

/* Names of hints that the disassembler knows as numbers only. */
static const char *arm64_hint_name(uint32_t word)
{
	switch (word) {
	case 0xd503233f:
		return "paciasp";
	case 0xd503237f:
		return "pacibsp";
	case 0xd503241f:
		return "bti";
	case 0xd503245f:
		return "bti c";
	case 0xd503249f:
		return "bti j";
	case 0xd50324df:
		return "bti jc";
	default:
		return NULL;
	}
}

static void arm64_flow(const uint8_t *bytes, const cs_insn *i, struct insn *ret)
{
	const char *hint;
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	hint = arm64_hint_name(word);
	if (hint)
		snprintf(ret->text, sizeof(ret->text), "%s", hint);
	ret->cost = insn_cost_arm64(word);
	/* bti, bti c, bti j, bti jc; not paciasp, behind which the return address is signed */
	ret->is_landing_pad = (word & 0xffffff3f) == 0xd503241f;
	switch (i->id) {
	case ARM64_INS_B:
		ret->flow = (word & 0xfc000000) == 0x14000000 ? INSN_JUMP : INSN_BRANCH;
		break;
	case ARM64_INS_BL:
		ret->flow = INSN_CALL;
		break;
	case ARM64_INS_BR:
		ret->flow = INSN_JUMP;
		return;
	case ARM64_INS_RET:
		ret->flow = INSN_RETURN;
		return;
	default:
		return;
	}
	if (i->detail->arm64.op_count && i->detail->arm64.operands[0].type == ARM64_OP_IMM)
		ret->target = (uint64_t)i->detail->arm64.operands[0].imm;
}

size_t code_read(const struct code *c, uint64_t vaddr, void *to, size_t len)
{
	return c->source.read(c->source.user, vaddr, to, len);
}

int code_decode(struct code *c, uint64_t vaddr, struct insn *ret)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	bool x86 = c->source.machine == CODE_X86_64;
	uint8_t bytes[INSN_LEN_MAX];
	const uint8_t *at = bytes;
	size_t left = c->source.read(c->source.user, vaddr, bytes, x86 ? INSN_LEN_MAX : ARM64_LEN);
	uint64_t address = vaddr;

	if (!left || !cs_disasm_iter(c->handle, &at, &left, &address, c->insn) ||
	    c->insn->size > INSN_LEN_MAX)
		return -EBADMSG;
	*ret = (struct insn){ .vaddr = vaddr,
			      .len = c->insn->size,
			      .dst = REG_NONE,
			      .src = REG_NONE,
			      .stored = REG_NONE,
			      .test_reg = REG_NONE };
	snprintf(ret->text, sizeof(ret->text), "%.19s%s%.34s", c->insn->mnemonic,
		 c->insn->op_str[0] ? " " : "", c->insn->op_str);
	if (!x86) {
		arm64_flow(bytes, c->insn, ret);
		return 0;
	}
	ret->cost = insn_cost_x86(bytes, ret->len);
	ret->is_landing_pad = ret->len == sizeof(endbr64) && memcmp(bytes, endbr64, 4) == 0;
	x86_flow(c->insn, ret);
	x86_effect(c->handle, c->insn, ret);
	x86_memory(c->insn, ret);
	x86_test(c->insn, ret);
	return 0;
}

/* adrp x16, PAGE; ldr x17, [x16, #OFF] … br x17: the slot, or 0. */
static uint64_t arm64_stub_slot(struct code *c, uint64_t vaddr)
{
	uint64_t page = 0, slot = 0;
	uint32_t word;

	for (int i = 0; i < STUB_INSN_MAX; i++, vaddr += ARM64_LEN) {
		if (c->source.read(c->source.user, vaddr, &word, sizeof(word)) != sizeof(word))
			return 0;
		if ((word & 0x9f00001f) == 0x90000010) {
			int64_t imm = (int64_t)((uint64_t)(word >> 5 & 0x7ffff) << 45) >> 43;

			page = (vaddr & ~UINT64_C(0xfff)) +
			       ((uint64_t)(imm | (word >> 29 & 3)) << 12);
		} else if ((word & 0xffc003ff) == 0xf9400211 && page) {
			slot = page + (uint64_t)(word >> 10 & 0xfff) * 8;
		} else if (word == 0xd61f0220) {
			return slot;
		} else if ((word & 0xffffff3f) != 0xd503241f && (word & 0xff0003ff) != 0x91000210) {
			return 0;
		}
	}
	return 0;
}

static uint64_t x86_stub_slot(struct code *c, uint64_t vaddr)
{
	struct insn insn;

	if (code_decode(c, vaddr, &insn) < 0)
		return 0;
	if (insn.is_landing_pad && code_decode(c, vaddr + insn.len, &insn) < 0)
		return 0;
	return insn.flow == INSN_JUMP ? insn.slot : 0;
}

const char *code_import_at(struct code *c, uint64_t vaddr)
{
	uint64_t slot = c->source.machine == CODE_X86_64 ? x86_stub_slot(c, vaddr)
							 : arm64_stub_slot(c, vaddr);

	return slot && c->source.import ? c->source.import(c->source.user, slot) : NULL;
}

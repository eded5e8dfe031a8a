// SPDX-License-Identifier: BSD-2-Clause
#include "access_copies.h"

#include <errno.h>

#include "discover/access_insn.h"

enum { INT_LEN = 4 };

struct copy_scan {
	/* What was loaded into each register. */
	struct {
		uint8_t base; /* ACCESS_REG_NONE: nothing is known of the register */
		int64_t at;
	} regs[ACCESS_REG_CNT];
	int64_t *copied;
	int cnt, max;
};

static void forget(struct copy_scan *s, uint32_t set)
{
	for (unsigned i = 0; i < ACCESS_REG_CNT; i++)
		if (set >> i & 1 ||
		    (s->regs[i].base < ACCESS_REG_CNT && set >> s->regs[i].base & 1))
			s->regs[i].base = ACCESS_REG_NONE;
}

static void scan_op(struct copy_scan *s, const struct access_op *op)
{
	if (op->kind == ACCESS_STORE) {
		if (op->len == INT_LEN && op->dst < ACCESS_REG_CNT && op->src < ACCESS_REG_CNT &&
		    s->regs[op->dst].base < ACCESS_REG_CNT && s->regs[op->dst].base != op->src &&
		    s->regs[op->dst].at == op->value && s->cnt < s->max)
			s->copied[s->cnt++] = op->value;
		return;
	}
	if (op->kind == ACCESS_WRITE)
		forget(s, op->set);
	else if (op->dst < ACCESS_REG_CNT && op->kind != ACCESS_TEST)
		forget(s, UINT32_C(1) << op->dst);
	if (op->kind == ACCESS_LOAD && op->len == INT_LEN && op->dst < ACCESS_REG_CNT &&
	    op->src != op->dst) {
		s->regs[op->dst].base = op->src;
		s->regs[op->dst].at = op->value;
	}
}

/* In the order of addresses: what is copied is loaded and stored in one piece. */
int access_copies(struct code *c, uint64_t vaddr, uint64_t size, int64_t *ret, int max)
{
	struct copy_scan s = { .copied = ret, .max = max };
	struct access_insn insn;

	forget(&s, UINT32_MAX);
	for (uint64_t at = vaddr; at - vaddr < size; at = insn.next) {
		if (access_decode(c, at, &insn) < 0)
			return -EBADMSG;
		for (unsigned i = 0; i < insn.op_cnt; i++)
			scan_op(&s, &insn.ops[i]);
		if (insn.flow != INSN_NEXT)
			forget(&s, UINT32_MAX);
	}
	return s.cnt;
}

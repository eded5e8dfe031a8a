// SPDX-License-Identifier: BSD-2-Clause
/*
 * Like worker.c, ways fork at conditional branches and never join. A branch on a field of the
 * object is noted as a condition of either way; one that contradicts what the way knows is not
 * walked.
 */
#include "access_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	PENDING_MAX = 24,
	WAYS_MAX = 256,
	STEPS_PER_WAY_MAX = 128,
	FUNCTION_SIZE_MAX = 2048,
	FIELD_AT_MAX = 0x7fff, /* no object is larger */
	SLOT_MAX = 8,
	FRAME_MAX = 1 << 20,
};

/* A value that is kept in the function's own frame. */
struct access_slot {
	int64_t at; /* from the stack pointer at entry */
	uint8_t len;
	struct access_value value;
};

struct access_way {
	uint64_t vaddr;
	unsigned steps;
	struct access_value regs[ACCESS_REG_CNT];
	struct access_slot slots[SLOT_MAX];
	size_t slot_cnt;
	bool frame_is_known;	      /* to others, too: they may write there */
	struct access_condition flag; /* what "equal" says; value unknown: nothing */
	struct access_outcome outcome;
};

struct access_walker {
	const struct access_question *q;
	const struct access_machine *machine;
	struct access_answer *ret;
	struct access_way pending[PENDING_MAX];
	size_t pending_cnt;
	unsigned ways;
};

static void give_up(struct access_walker *w, const char *reason)
{
	if (!w->ret->reason[0])
		snprintf(w->ret->reason, sizeof(w->ret->reason), "%s", reason);
}

bool access_value_equal(const struct access_value *a, const struct access_value *b)
{
	return a->kind == b->kind && a->arg == b->arg && a->len == b->len && a->at[0] == b->at[0] &&
	       a->at[1] == b->at[1];
}

static struct access_value value_of(const struct access_way *way, unsigned reg)
{
	return reg < ACCESS_REG_CNT ? way->regs[reg] : (struct access_value){ 0 };
}

static struct access_value kept_in_frame(const struct access_way *way, int64_t at, uint8_t len)
{
	for (size_t i = 0; i < way->slot_cnt && !way->frame_is_known; i++)
		if (way->slots[i].at == at && way->slots[i].len == len)
			return way->slots[i].value;
	return (struct access_value){ 0 };
}

static void keep_in_frame(struct access_way *way, int64_t at, uint8_t len, struct access_value v)
{
	size_t cnt = 0;

	/* What it overlaps is gone. */
	for (size_t i = 0; i < way->slot_cnt; i++)
		if (way->slots[i].at + way->slots[i].len <= at || at + len <= way->slots[i].at)
			way->slots[cnt++] = way->slots[i];
	way->slot_cnt = cnt;
	if (v.kind != ACCESS_UNKNOWN && cnt < SLOT_MAX)
		way->slots[way->slot_cnt++] = (struct access_slot){ at, len, v };
}

static struct access_value loaded(const struct access_way *way, struct access_value base,
				  int64_t distance, uint8_t len)
{
	struct access_value v = { .len = len };
	int64_t at;

	if (base.kind == ACCESS_STACK && !__builtin_add_overflow(base.at[0], distance, &at))
		return kept_in_frame(way, at, len);
	if (base.kind == ACCESS_ARG && base.arg == 0 &&
	    !__builtin_add_overflow(base.at[0], distance, &at) && at >= 0 && at <= FIELD_AT_MAX) {
		v.kind = ACCESS_FIELD;
		v.at[0] = at;
	} else if (base.kind == ACCESS_FIELD && base.len == sizeof(void *) && distance >= 0 &&
		   distance <= FIELD_AT_MAX) {
		v.kind = ACCESS_THROUGH;
		v.at[0] = base.at[0];
		v.at[1] = distance;
	} else if (base.kind == ACCESS_BEHIND &&
		   !__builtin_add_overflow(base.at[1], distance, &at) && at >= 0 &&
		   at <= FIELD_AT_MAX) {
		v.kind = ACCESS_THROUGH;
		v.at[0] = base.at[0];
		v.at[1] = at;
	} else {
		v.len = 0;
	}
	return v;
}

static struct access_value moved(struct access_value v, int64_t distance)
{
	if ((v.kind == ACCESS_STACK || v.kind == ACCESS_ARG) &&
	    !__builtin_add_overflow(v.at[0], distance, &v.at[0]) && v.at[0] < FRAME_MAX &&
	    v.at[0] > -FRAME_MAX)
		return v;
	if (v.kind == ACCESS_FIELD && v.len == sizeof(void *)) {
		v.kind = ACCESS_BEHIND;
		v.len = 0;
	}
	if (v.kind == ACCESS_BEHIND && !__builtin_add_overflow(v.at[1], distance, &v.at[1]) &&
	    v.at[1] < FRAME_MAX && v.at[1] > -FRAME_MAX)
		return v;
	return (struct access_value){ 0 };
}

static struct access_value low_half(struct access_value v)
{
	if (v.kind == ACCESS_NUMBER)
		v.at[0] = (int64_t)(uint32_t)v.at[0];
	else if (v.len >= sizeof(uint32_t))
		v.len = sizeof(uint32_t); /* both machines put the low half first */
	else
		v = (struct access_value){ 0 };
	return v;
}

static void take_store(struct access_way *way, const struct access_op *op)
{
	struct access_value base = value_of(way, op->src), what = value_of(way, op->dst);
	struct access_outcome *o = &way->outcome;

	if (op->mask)
		what = (struct access_value){ .kind = ACCESS_NUMBER, .at = { (int64_t)op->want } };
	else if (what.kind != ACCESS_ARG && op->len == sizeof(uint32_t))
		what = low_half(what);
	else if (what.kind != ACCESS_ARG && op->len != sizeof(void *))
		what = (struct access_value){ 0 };
	/* Anywhere: perhaps into the frame. */
	if (op->src >= ACCESS_REG_CNT)
		way->slot_cnt = 0;
	way->frame_is_known |= what.kind == ACCESS_STACK;
	if (base.kind == ACCESS_STACK)
		keep_in_frame(way, base.at[0] + op->value, op->len, what);
	else if (base.kind == ACCESS_ARG && base.arg > 0 && base.at[0] + op->value == 0) {
		o->stored[base.arg] = what;
	} else if (base.kind == ACCESS_ARG && base.arg == 0 && !o->stored_len) {
		o->stored[0] = what;
		o->stored_at = base.at[0] + op->value;
		o->stored_len = op->len;
	} else {
		o->unsure = true;
	}
}

static void set_flag(struct access_way *way, const struct access_op *op)
{
	way->flag = (struct access_condition){ .mask = op->mask, .want = op->want };
	way->flag.value = op->dst < ACCESS_REG_CNT
				  ? way->regs[op->dst]
				  : loaded(way, value_of(way, op->src), op->value, op->len);
}

static void apply(struct access_way *way, const struct access_op *op)
{
	struct access_value v = { 0 };

	switch (op->kind) {
	case ACCESS_WRITE:
		for (unsigned i = 0; i < ACCESS_REG_CNT; i++)
			if (op->set >> i & 1)
				way->regs[i] = v;
		return;
	case ACCESS_STORE:
		take_store(way, op);
		return;
	case ACCESS_TEST:
		set_flag(way, op);
		return;
	case ACCESS_UNSURE:
		way->flag.value = v;
		return;
	case ACCESS_COPY:
		v = value_of(way, op->src);
		break;
	case ACCESS_LOW:
		v = low_half(value_of(way, op->src));
		break;
	case ACCESS_OFFSET:
		v = moved(value_of(way, op->src), op->value);
		break;
	case ACCESS_CONST:
		v = (struct access_value){ .kind = ACCESS_NUMBER, .at = { op->value } };
		break;
	case ACCESS_LOAD:
		v = loaded(way, value_of(way, op->src), op->value, op->len);
		break;
	}
	if (op->dst < ACCESS_REG_CNT)
		way->regs[op->dst] = v;
}

static void finish(struct access_walker *w, struct access_way *way)
{
	if (w->ret->cnt == ACCESS_OUTCOME_MAX) {
		give_up(w, "it has too many ways");
		return;
	}
	way->outcome.result = way->regs[w->machine->result];
	w->ret->outcomes[w->ret->cnt++] = way->outcome;
}

static bool never_returns(const char *name)
{
	return name && (!strcmp(name, "__stack_chk_fail") || !strcmp(name, "abort") ||
			!strcmp(name, "OPENSSL_die") || !strcmp(name, "__assert_fail"));
}

/* memcpy() to what argument 1 or 2 points to: how much is not asked. */
static void take_copy(struct access_way *way, const struct access_machine *m)
{
	const struct access_value *to = &way->regs[m->args[0]];

	if (to->kind == ACCESS_ARG && to->arg > 0 && !to->at[0])
		way->outcome.stored[to->arg] = loaded(way, way->regs[m->args[1]], 0,
						      sizeof(void *));
}

/* False: it does not come back. */
static bool take_call(const struct access_walker *w, struct access_way *way, uint64_t target)
{
	const char *name = target ? code_import_at(w->q->code, target) : NULL;
	struct access_value object = way->regs[w->machine->args[0]], v = { 0 };
	bool next = w->q->next &&
		    ((target && target == w->q->next_vaddr) || (name && !strcmp(name, w->q->next)));

	if (never_returns(name))
		return false;
	if (next && object.kind == ACCESS_FIELD && object.len == sizeof(void *)) {
		v.kind = ACCESS_NEXT;
		v.at[0] = object.at[0];
	}
	if (w->q->copies && name && !strcmp(name, "memcpy"))
		take_copy(way, w->machine);
	for (unsigned i = 0; i < ACCESS_REG_CNT; i++) {
		if (w->machine->kept >> i & 1)
			continue;
		way->frame_is_known |= way->regs[i].kind == ACCESS_STACK;
		way->regs[i] = (struct access_value){ 0 };
	}
	way->regs[w->machine->result] = v;
	way->flag.value = (struct access_value){ 0 };
	return true;
}

/* 1: the flag says "equal", 0: "not equal", -1: it depends. */
static int decided(const struct access_way *way)
{
	const struct access_condition *f = &way->flag;
	const struct access_outcome *o = &way->outcome;

	if (f->value.kind == ACCESS_NUMBER)
		return ((uint64_t)f->value.at[0] & f->mask) == f->want;
	/* The object is there. */
	if (f->value.kind == ACCESS_ARG && !f->value.arg && !f->value.at[0] &&
	    f->mask == UINT64_MAX && !f->want)
		return 0;
	for (size_t i = 0; i < o->condition_cnt; i++) {
		const struct access_condition *c = &o->conditions[i];

		if (access_value_equal(&c->value, &f->value) && c->mask == f->mask &&
		    c->want == f->want)
			return c->equal;
	}
	return -1;
}

static void note_condition(struct access_way *way, bool equal)
{
	struct access_outcome *o = &way->outcome;

	/* One that finds no room is a proof less, never a wrong one. */
	if ((way->flag.value.kind != ACCESS_FIELD && way->flag.value.kind != ACCESS_THROUGH) ||
	    o->condition_cnt == ACCESS_CONDITION_MAX)
		return;
	o->conditions[o->condition_cnt] = way->flag;
	o->conditions[o->condition_cnt++].equal = equal;
}

static void push(struct access_walker *w, const struct access_way *way)
{
	if (w->pending_cnt == PENDING_MAX || ++w->ways > WAYS_MAX)
		give_up(w, "it has too many ways");
	else
		w->pending[w->pending_cnt++] = *way;
}

static void take_branch(struct access_walker *w, struct access_way *way,
			const struct access_insn *insn)
{
	bool known = insn->cond != INSN_COND_UNKNOWN;
	bool taken_if = insn->cond == INSN_COND_EQUAL;
	int flag = known ? decided(way) : -1;
	struct access_way other = *way;

	other.vaddr = insn->target;
	if (flag >= 0) {
		if ((flag == 1) == taken_if)
			way->vaddr = insn->target;
		return;
	}
	if (known) {
		note_condition(&other, taken_if);
		note_condition(way, !taken_if);
	}
	if (!w->q->copies || insn->target >= way->vaddr)
		push(w, &other);
}

static bool is_inside(const struct access_question *q, uint64_t vaddr)
{
	return vaddr >= q->vaddr && vaddr - q->vaddr < q->size;
}

/* One instruction; false: the way has ended. */
static bool step(struct access_walker *w, struct access_way *way)
{
	struct access_insn insn;

	if (!is_inside(w->q, way->vaddr) || ++way->steps > STEPS_PER_WAY_MAX) {
		give_up(w, way->steps > STEPS_PER_WAY_MAX ? "it is too long, or has a loop"
							  : "it runs past its end");
		return false;
	}
	if (access_decode(w->q->code, way->vaddr, &insn) < 0) {
		give_up(w, "an instruction is not understood");
		return false;
	}
	way->vaddr = insn.next;
	for (unsigned i = 0; i < insn.op_cnt; i++)
		apply(way, &insn.ops[i]);
	switch (insn.flow) {
	case INSN_NEXT:
		return true;
	case INSN_CALL:
		return take_call(w, way, insn.target);
	case INSN_BRANCH:
		take_branch(w, way, &insn);
		return true;
	case INSN_JUMP:
		if (insn.target && is_inside(w->q, insn.target)) {
			way->vaddr = insn.target;
			return true;
		}
		if (take_call(w, way, insn.target))
			finish(w, way);
		return false;
	case INSN_RETURN:
		finish(w, way);
		return false;
	case INSN_STOP:
		break;
	}
	return false;
}

int access_walk(const struct access_question *q, struct access_answer *ret)
{
	struct access_walker w = { .q = q, .machine = access_machine_of(q->code), .ret = ret };
	struct access_way way = { .vaddr = q->vaddr };

	ret->cnt = 0;
	ret->reason[0] = '\0';
	if (!q->size || q->size > FUNCTION_SIZE_MAX)
		give_up(&w, "its size is not that of a short function");
	for (uint8_t i = 0; i < 3; i++)
		way.regs[w.machine->args[i]] = (struct access_value){ .kind = ACCESS_ARG,
								      .arg = i };
	way.regs[w.machine->stack] = (struct access_value){ .kind = ACCESS_STACK };
	push(&w, &way);
	while (w.pending_cnt && !ret->reason[0]) {
		way = w.pending[--w.pending_cnt];
		while (!ret->reason[0] && step(&w, &way))
			;
	}
	return ret->reason[0] ? -EBADMSG : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: every way from the function's entry to its end is walked with the values of the registers
 * as far as they are known: "argument 0 as it came", "the address of this place in my own stack
 * frame", "this constant", or nothing. Ways fork at conditional jumps and never join, so no
 * knowledge is lost; these functions are small, and limits end the walk of anything else.
 *
 * A worker is proven when
 *   - every way makes exactly one call whose arguments are (object, buffer, length) as they came,
 *     with the address for the length done in the 4th or 5th: for a function that returns the
 *     length an address in its own frame, for the others the caller's own;
 *   - all ways call the same function, and give the address in the same argument;
 *   - a way without such a call returns a constant that is not a success (<= 0);
 *   - a function that returns the length reads it from that very place.
 *
 * aarch64: only calls among the exported functions are looked for, in address order.
 */
#include "worker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "code.h"

enum {
	WAYS_PENDING_MAX = 32, /* forks that wait to be walked */
	WAYS_MAX = 256,
	STEPS_PER_WAY_MAX = 200,
	STEPS_MAX = 8000,
	FUNCTION_SIZE_MAX = 4096,
};

enum value_kind {
	VALUE_UNKNOWN,
	VALUE_ARG,    /* argument n of the function, all 64 bits */
	VALUE_LENGTH, /* argument 2, widened from 32 bits */
	VALUE_STACK,  /* the stack pointer at entry + n */
	VALUE_CONST,  /* n */
};

struct value {
	enum value_kind kind;
	int64_t n;
};

/* One way through the function, up to `vaddr`. */
struct way {
	uint64_t vaddr;
	unsigned steps;
	unsigned worker_calls;
	int64_t done_at; /* of the worker's call: place in the frame */
	struct value regs[REG_CNT];
};

struct walk {
	struct code *code;
	const struct worker_function *functions;
	size_t cnt, which;
	const struct worker_function *f; /* functions[which] */
	struct worker_result *ret;
	struct way pending[WAYS_PENDING_MAX];
	size_t pending_cnt;
	unsigned ways, steps;
	bool returns_done; /* a result was seen to be read from where the worker puts the length */
	bool failed;
};

static const enum insn_reg argument_regs[] = { REG_RDI, REG_RSI, REG_RDX, REG_RCX, REG_R8, REG_R9 };
enum { ARGUMENT_CNT = 6, WORD = 8 };

__attribute__((format(printf, 2, 3))) static void reject(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, fmt);
	vsnprintf(w->ret->reason, sizeof(w->ret->reason), fmt, ap);
	va_end(ap);
}

static bool is_arg(const struct way *way, enum insn_reg reg, int64_t n)
{
	return way->regs[reg].kind == VALUE_ARG && way->regs[reg].n == n;
}

/* Is this register the address where the number of bytes goes? */
static bool is_done_address(const struct walk *w, const struct way *way, enum insn_reg reg)
{
	const struct value *v = &way->regs[reg], *sp = &way->regs[REG_RSP];

	switch (w->f->len_from) {
	case PROBE_LEN_RESULT:
		return v->kind == VALUE_STACK && sp->kind == VALUE_STACK && v->n >= sp->n &&
		       v->n <= -WORD;
	case PROBE_LEN_AT_ARG3:
		return is_arg(way, reg, 3);
	case PROBE_LEN_AT_ARG4:
		return is_arg(way, reg, 4);
	case PROBE_LEN_NONE:
		break;
	}
	return false;
}

static bool has_three_arguments(const struct way *way)
{
	const struct value *len = &way->regs[REG_RDX];

	return is_arg(way, REG_RDI, 0) && is_arg(way, REG_RSI, 1) &&
	       (is_arg(way, REG_RDX, 2) || len->kind == VALUE_LENGTH);
}

static bool never_returns(const char *import)
{
	static const char *const names[] = {
		"__stack_chk_fail", "abort",	  "__assert_fail", "exit", "_exit",
		"__fortify_fail",   "OPENSSL_die"
	};

	for (size_t i = 0; import && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(import, names[i]) == 0)
			return true;
	return false;
}

/* The exported function of this role that is called, or -1. */
static int delegate_of(const struct walk *w, uint64_t target, const char *import)
{
	for (size_t i = 0; i < w->cnt; i++)
		if (i != w->which && (w->functions[i].vaddr == target ||
				      (import && strcmp(import, w->functions[i].name) == 0)))
			return (int)i;
	return -1;
}

static void note_target(struct walk *w, uint64_t target)
{
	struct worker_result *ret = w->ret;

	for (size_t i = 0; i < ret->target_cnt; i++)
		if (ret->targets[i] == target)
			return;
	if (ret->target_cnt == WORKER_TARGET_MAX)
		reject(w, "calls too many functions");
	else
		ret->targets[ret->target_cnt++] = target;
}

static void take_worker_call(struct walk *w, struct way *way, uint64_t target, bool third)
{
	enum probe_len len_from = third ? PROBE_LEN_AT_ARG3 : PROBE_LEN_AT_ARG4;

	if (w->ret->vaddr && w->ret->vaddr != target)
		reject(w, "calls two functions with its arguments");
	if (w->ret->vaddr && w->ret->len_from != len_from)
		reject(w, "passes the place of the length in two ways");
	w->ret->vaddr = target;
	w->ret->len_from = len_from;
	way->worker_calls++;
	way->done_at = way->regs[third ? REG_RCX : REG_R8].n;
}

/* Registers that a called function may change. */
static void forget_after_call(struct way *way)
{
	static const enum insn_reg lost[] = { REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
					      REG_R8,  REG_R9,	REG_R10, REG_R11 };

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		way->regs[lost[i]] = (struct value){ 0 };
}

static bool is_inside(const struct worker_function *f, uint64_t vaddr)
{
	return vaddr >= f->vaddr && vaddr - f->vaddr < f->size;
}

/*
 * False: the call does not come back, the way ends here. So it is known by its name, or, inside of
 * a static program, by there being nothing behind it to come back to.
 */
static bool take_call(struct walk *w, struct way *way, const struct insn *insn)
{
	const char *import = insn->target ? code_import_at(w->code, insn->target) : NULL;
	int delegate = insn->target ? delegate_of(w, insn->target, import) : -1;
	bool third, fourth;

	if (never_returns(import))
		return false;
	if (insn->target && !import)
		note_target(w, insn->target);
	if (delegate >= 0) {
		/* Whatever the arguments are: what that one moves is its own. */
		w->ret->delegate = delegate;
		way->worker_calls++;
		forget_after_call(way);
		return true;
	}
	third = is_done_address(w, way, REG_RCX);
	fourth = is_done_address(w, way, REG_R8);
	if (has_three_arguments(way) && (third || fourth)) {
		if (!insn->target || import)
			reject(w, "hands its arguments to a function outside of the library");
		else if (third && fourth)
			reject(w, "passes two places for the length");
		else
			take_worker_call(w, way, insn->target, third);
	} else if (insn->target && insn->target == w->ret->vaddr) {
		reject(w, "calls the worker with other arguments, too");
	} else if (insn->flow == INSN_CALL && !is_inside(w->f, way->vaddr)) {
		return false;
	}
	forget_after_call(way);
	return true;
}

/* The way returns to the caller. */
static void take_return(struct walk *w, const struct way *way)
{
	const struct value *result = &way->regs[REG_RAX];
	const struct value *sp = &way->regs[REG_RSP];

	if (sp->kind != VALUE_STACK || sp->n != 0)
		reject(w, "its stack frame is not understood");
	else if (way->worker_calls > 1)
		reject(w, "calls the worker twice");
	else if (!way->worker_calls && (result->kind != VALUE_CONST || (int32_t)result->n > 0))
		reject(w, "may succeed without calling a worker with its arguments");
}

static void apply_effect(struct walk *w, struct way *way, const struct insn *insn)
{
	struct value *sp = &way->regs[REG_RSP], result = { 0 };
	int64_t at;
	const struct value *src = insn->src < REG_CNT ? &way->regs[insn->src] : NULL;

	switch (insn->effect) {
	case INSN_EFFECT_COPY:
		if (src)
			result = *src;
		break;
	case INSN_EFFECT_EXTEND:
		if (src && ((src->kind == VALUE_ARG && src->n == 2) || src->kind == VALUE_LENGTH))
			result.kind = VALUE_LENGTH;
		break;
	case INSN_EFFECT_OFFSET:
		if (src && src->kind == VALUE_STACK &&
		    !__builtin_add_overflow(src->n, insn->value, &result.n))
			result.kind = VALUE_STACK;
		break;
	case INSN_EFFECT_CONST:
		result = (struct value){ VALUE_CONST, insn->value };
		break;
	case INSN_EFFECT_LOAD:
		if (src && src->kind == VALUE_STACK && insn->dst == REG_RAX && way->worker_calls &&
		    !__builtin_add_overflow(src->n, insn->value, &at) && at == way->done_at)
			w->returns_done = true;
		break;
	case INSN_EFFECT_PUSH:
		sp->n = (int64_t)((uint64_t)sp->n - WORD);
		return;
	case INSN_EFFECT_POP:
		sp->n = (int64_t)((uint64_t)sp->n + WORD);
		break;
	case INSN_EFFECT_OTHER:
		for (unsigned i = 0; i < REG_CNT; i++)
			if (insn->written & 1u << i)
				way->regs[i] = result;
		return;
	}
	if (insn->dst < REG_CNT)
		way->regs[insn->dst] = result;
}

static void fork_way(struct walk *w, const struct way *way, uint64_t vaddr)
{
	if (w->pending_cnt == WAYS_PENDING_MAX || ++w->ways > WAYS_MAX) {
		reject(w, "too many ways through it");
		return;
	}
	w->pending[w->pending_cnt] = *way;
	w->pending[w->pending_cnt++].vaddr = vaddr;
}

/* A jump out of the function is a call, after which it returns. */
static void leave_by_jump(struct walk *w, struct way *way, const struct insn *insn)
{
	/* The callee must find the return address where the caller put it. */
	if (way->regs[REG_RSP].kind != VALUE_STACK || way->regs[REG_RSP].n != 0)
		reject(w, "jumps away with a stack frame of its own");
	else if (!insn->target && !insn->slot)
		reject(w, "has a jump to a computed place");
	else if (take_call(w, way, insn))
		take_return(w, way);
}

/* One instruction; false: the way has ended. */
static bool step(struct walk *w, struct way *way)
{
	struct insn insn;

	if (!is_inside(w->f, way->vaddr)) {
		reject(w, "runs past its end");
		return false;
	}
	if (++way->steps > STEPS_PER_WAY_MAX || ++w->steps > STEPS_MAX) {
		reject(w, "it is too long, or has a loop");
		return false;
	}
	if (code_decode(w->code, way->vaddr, &insn) < 0) {
		reject(w, "an instruction is not understood");
		return false;
	}
	way->vaddr += insn.len;
	switch (insn.flow) {
	case INSN_NEXT:
		apply_effect(w, way, &insn);
		return true;
	case INSN_CALL:
		return take_call(w, way, &insn);
	case INSN_JUMP:
		if (insn.target && is_inside(w->f, insn.target)) {
			way->vaddr = insn.target;
			return true;
		}
		leave_by_jump(w, way, &insn);
		return false;
	case INSN_BRANCH:
		fork_way(w, way, insn.target);
		return true;
	case INSN_RETURN:
		take_return(w, way);
		return false;
	case INSN_STOP:
		break;
	}
	return false;
}

static void walk_all(struct walk *w)
{
	struct way way = { .vaddr = w->f->vaddr };

	for (unsigned i = 0; i < ARGUMENT_CNT; i++)
		way.regs[argument_regs[i]] = (struct value){ VALUE_ARG, i };
	way.regs[REG_RSP] = (struct value){ VALUE_STACK, 0 };
	fork_way(w, &way, way.vaddr);
	while (w->pending_cnt && !w->failed) {
		way = w->pending[--w->pending_cnt];
		while (!w->failed && step(w, &way))
			;
	}
	if (w->failed)
		return;
	if (w->ret->delegate >= 0 && w->ret->vaddr)
		reject(w, "calls both a worker and %s", w->functions[w->ret->delegate].name);
	else if (w->ret->delegate < 0 && !w->ret->vaddr)
		reject(w, "calls no worker with its arguments");
	else if (w->ret->vaddr && w->f->len_from == PROBE_LEN_RESULT && !w->returns_done)
		reject(w, "does not return the length that the worker gives");
}

/* Only for delegates: instructions have one length, so those of all ways come in one pass. */
static void scan_calls(struct walk *w)
{
	struct insn insn;

	for (uint64_t at = w->f->vaddr; is_inside(w->f, at); at += insn.len) {
		const char *import;
		int delegate;

		if (code_decode(w->code, at, &insn) < 0)
			break;
		if (!insn.target || (insn.flow != INSN_CALL && insn.flow != INSN_JUMP))
			continue;
		import = code_import_at(w->code, insn.target);
		delegate = delegate_of(w, insn.target, import);
		if (delegate >= 0)
			w->ret->delegate = delegate;
	}
	reject(w, "workers are looked for on x86-64 only");
}

void worker_find(struct code *c, const struct worker_function *functions, size_t cnt, size_t which,
		 struct worker_result *ret)
{
	struct walk w = { .code = c,
			  .functions = functions,
			  .cnt = cnt,
			  .which = which,
			  .f = &functions[which],
			  .ret = ret };

	*ret = (struct worker_result){ .delegate = -1 };
	if (!w.f->size || w.f->size > FUNCTION_SIZE_MAX)
		reject(&w, "its size (%llu bytes) is not that of a short function",
		       (unsigned long long)w.f->size);
	else if (code_machine(c) == CODE_X86_64)
		walk_all(&w);
	else
		scan_calls(&w);
	if (w.failed)
		ret->vaddr = 0;
}

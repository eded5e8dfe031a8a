/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per role, in this order:
 *
 *   1. the worker behind the exported functions, when it is proven for each of them, at least two
 *      lead to the same one, no peeking function does, and it is no dearer than they are: it also
 *      sees calls that the library makes itself (BIO_f_ssl);
 *   2. each exported function: its first instruction if that is emulated, else the one behind a
 *      landing pad if that is, else the first; where no return is wanted (free, clear), the first
 *      emulated one on the straight way in.
 *
 * An exported function that calls another one of its role has no point of its own: its bytes would
 * count twice.
 */
#include "placement.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "worker.h"

enum { PART_MAX = 110 }; /* of a reason */

/* All functions of one role, and what is known of them. */
struct group {
	struct code *code;
	const struct placement_function *given[PLACEMENT_FUNCTION_MAX];
	struct worker_function functions[PLACEMENT_FUNCTION_MAX];
	struct worker_result results[PLACEMENT_FUNCTION_MAX];
	size_t cnt;
	uint64_t worker; /* 0: none */
	enum probe_len worker_len_from;
	char reason[PART_MAX]; /* why there is none */
};

static void put_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

/* Finishes a point of the function at `vaddr`. False: there is no such place in the file. */
static bool place(struct code *c, uint64_t vaddr, bool plain, struct probe_point *p, char *why,
		  size_t why_size)
{
	struct insn first, second;
	bool known = code_decode(c, vaddr, &first) == 0;
	bool padded = known && first.is_landing_pad && first.cost != PROBE_COST_EMULATED &&
		      !plain && code_decode(c, vaddr + first.len, &second) == 0 &&
		      second.cost == PROBE_COST_EMULATED;
	const struct insn *at = padded ? &second : &first;

	p->at = padded ? (unsigned char)first.len : 0;
	p->cost = known ? at->cost : PROBE_COST_UNKNOWN;
	put_text(p->instruction, sizeof(p->instruction), known ? at->text : "(not understood)");
	if (!known)
		put_text(why, why_size, "the instruction at its start is not understood");
	else if (padded)
		snprintf(why, why_size, "%.40s behind its %.40s is emulated", at->text, first.text);
	else
		snprintf(why, why_size, "%.40s at its start %s", at->text,
			 at->cost == PROBE_COST_EMULATED ? "is emulated"
							 : "must be single-stepped");
	return code_file_offset(c, vaddr + p->at, &p->file_off);
}

/*
 * May a jump within the function lead to a place that is not its start? Not known is yes. A jump
 * through a field of an object (no index) calls a method, and leaves.
 */
static bool may_be_jumped_to(struct code *c, const struct placement_function *f, uint64_t place)
{
	struct insn insn;

	if (!f->size)
		return true;
	for (uint64_t at = f->vaddr; at < f->vaddr + f->size; at += insn.len) {
		if (code_decode(c, at, &insn) < 0)
			return true;
		if (insn.flow == INSN_JUMP && !insn.target && !insn.slot && !insn.mem.len)
			return true;
		if ((insn.flow == INSN_JUMP || insn.flow == INSN_BRANCH) &&
		    insn.target > f->vaddr && insn.target <= place)
			return true;
	}
	return false;
}

/* Instructions that are looked at behind a function's start. */
enum { WAY_IN_MAX = 8 };

/*
 * A probe that wants no return may be on any instruction that each call passes once while the
 * object (and where it is wanted the argument behind it) is still in its register.
 */
static bool place_on_way_in(struct code *c, const struct placement_function *f,
			    struct probe_point *p, char *why, size_t why_size)
{
	bool has_arg = f->role == PROBE_SHUTDOWN || f->role == PROBE_SET_BIO;
	unsigned kept = 1u << REG_RDI | (has_arg ? 1u << REG_RSI : 0);
	uint64_t at = f->vaddr;
	struct insn insn;

	if (code_machine(c) != CODE_X86_64)
		return false;
	for (int i = 0; i < WAY_IN_MAX; i++, at += insn.len) {
		if (code_decode(c, at, &insn) < 0)
			return false;
		if (insn.cost == PROBE_COST_EMULATED)
			break;
		if (insn.flow != INSN_NEXT || insn.written & kept)
			return false;
	}
	if (insn.cost != PROBE_COST_EMULATED || at - f->vaddr > UCHAR_MAX ||
	    may_be_jumped_to(c, f, at) || !code_file_offset(c, at, &p->file_off))
		return false;
	p->at = (unsigned char)(at - f->vaddr);
	p->cost = insn.cost;
	put_text(p->instruction, sizeof(p->instruction), insn.text);
	snprintf(why, why_size, "%.40s on the straight way in is emulated", insn.text);
	return true;
}

static int add_point(struct probe_point *points, size_t *cnt, const struct probe_point *p)
{
	if (*cnt == TARGET_POINT_MAX)
		return -ENOBUFS;
	points[(*cnt)++] = *p;
	return 0;
}

/* Is function i's data seen at another exported function? Circles count as no. */
static bool is_covered(const struct group *g, size_t i)
{
	int next = g->results[i].delegate;

	for (size_t steps = 0; next >= 0 && steps < g->cnt; steps++) {
		if ((size_t)next == i)
			return false;
		next = g->results[next].delegate;
	}
	return g->results[i].delegate >= 0 && next < 0;
}

/* Only what moves bytes through a buffer can have a worker. */
static bool has_worker(enum probe_role role)
{
	return role == PROBE_READ || role == PROBE_WRITE;
}

static void collect_group(struct group *g, struct code *c, const struct placement_question *q,
			  enum probe_role role)
{
	*g = (struct group){ .code = c };
	for (size_t i = 0; i < q->cnt; i++) {
		const struct placement_function *f = &q->functions[i];

		if (f->role != role)
			continue;
		g->given[g->cnt] = f;
		g->functions[g->cnt++] = (struct worker_function){ f->symbol, f->vaddr, f->size,
								   f->len_from };
	}
	for (size_t i = 0; i < g->cnt; i++) {
		g->results[i].delegate = -1;
		if (has_worker(role))
			worker_find(c, g->functions, g->cnt, i, &g->results[i]);
	}
}

/* All functions that are not covered lead to the same worker. */
static bool find_common_worker(struct group *g)
{
	size_t agreeing = 0;

	for (size_t i = 0; i < g->cnt; i++) {
		const struct worker_result *r = &g->results[i];

		if (is_covered(g, i))
			continue;
		if (!r->vaddr) {
			snprintf(g->reason, sizeof(g->reason), "%s: %s", g->functions[i].name,
				 r->reason);
			return false;
		}
		if (agreeing && (r->vaddr != g->worker || r->len_from != g->worker_len_from)) {
			snprintf(g->reason, sizeof(g->reason), "%s has a worker of its own",
				 g->functions[i].name);
			return false;
		}
		g->worker = r->vaddr;
		g->worker_len_from = r->len_from;
		agreeing++;
	}
	if (agreeing >= 2)
		return true;
	snprintf(g->reason, sizeof(g->reason), "only one exported function leads to it");
	return false;
}

/* A peeking function must be understood, and must not call the worker. */
static bool is_peeked(struct group *g, const struct placement_question *q)
{
	for (size_t i = 0; i < q->peek_cnt; i++) {
		const struct placement_function *f = &q->peeks[i];
		struct worker_function peek = { f->symbol, f->vaddr, f->size, f->len_from };
		struct worker_result r;

		worker_find(g->code, &peek, 1, 0, &r);
		if (!r.vaddr) {
			snprintf(g->reason, sizeof(g->reason), "%s: %s", f->symbol, r.reason);
			return true;
		}
		for (size_t k = 0; k < r.target_cnt; k++) {
			if (r.targets[k] != g->worker)
				continue;
			snprintf(g->reason, sizeof(g->reason), "%s calls it too", f->symbol);
			return true;
		}
	}
	return false;
}

static void list_symbols(const struct group *g, const char *last, char *to, size_t size)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t i = 0; i < g->cnt && len < size; i++)
		len += (size_t)snprintf(to + len, size - len, "%s%s",
					i == 0		  ? ""
					: i + 1 == g->cnt ? last
							  : ", ",
					g->functions[i].name);
}

/* "SSL_write_ex, SSL_write_ex2": function i, after those whose data is seen there. */
static void list_covered(const struct group *g, size_t i, char *to, size_t size)
{
	size_t len = 0;

	to[0] = '\0';
	for (size_t k = 0; k < g->cnt && len < size; k++)
		if (k != i && is_covered(g, k) && g->results[k].delegate == (int)i)
			len += (size_t)snprintf(to + len, size - len, "%s, ", g->functions[k].name);
	if (len < size)
		snprintf(to + len, size - len, "%s", g->functions[i].name);
}

static bool exported_are_cheaper(const struct group *g, const struct probe_point *worker)
{
	struct probe_point p;
	char why[PART_MAX];

	if (worker->cost == PROBE_COST_EMULATED)
		return false;
	for (size_t i = 0; i < g->cnt; i++) {
		p = (struct probe_point){ 0 };
		if (!is_covered(g, i) &&
		    (!place(g->code, g->functions[i].vaddr, false, &p, why, sizeof(why)) ||
		     p.cost != PROBE_COST_EMULATED))
			return false;
	}
	return true;
}

/* 1: there is a point at the worker now. */
static int add_worker(struct group *g, const struct placement_question *q, enum probe_role role,
		      struct target *t)
{
	struct probe_point p = { .role = role, .is_worker = true };
	char why[PART_MAX], of[PROBE_SYMBOL_MAX];
	int r;

	if (!find_common_worker(g) || (role == PROBE_READ && is_peeked(g, q)))
		return 0;
	if (!place(g->code, g->worker, false, &p, why, sizeof(why)) ||
	    p.cost == PROBE_COST_UNKNOWN) {
		put_text(g->reason, sizeof(g->reason), "it is not in the file's code");
		return 0;
	}
	if (exported_are_cheaper(g, &p)) {
		snprintf(g->reason, sizeof(g->reason), "%s", why);
		return 0;
	}
	p.len_from = g->worker_len_from;
	list_symbols(g, ", ", p.symbol, sizeof(p.symbol));
	list_symbols(g, " and ", of, sizeof(of));
	snprintf(p.reason, sizeof(p.reason), "worker of %s: %s", of, why);
	r = add_point(t->points, &t->point_cnt, &p);
	return r < 0 ? r : 1;
}

/* Points at the exported functions themselves. */
static int add_exported(const struct group *g, bool plain, struct probe_point *points, size_t *cnt)
{
	for (size_t i = 0; i < g->cnt; i++) {
		struct probe_point p = { .role = g->given[i]->role,
					 .len_from = g->given[i]->len_from };
		char why[PART_MAX];
		int r;

		if (is_covered(g, i) ||
		    !place(g->code, g->functions[i].vaddr, plain, &p, why, sizeof(why)))
			continue;
		if (!plain && !probe_role_moves_bytes(p.role) && p.cost != PROBE_COST_EMULATED)
			place_on_way_in(g->code, g->given[i], &p, why, sizeof(why));
		list_covered(g, i, p.symbol, sizeof(p.symbol));
		snprintf(p.reason, sizeof(p.reason), "%s%s%s", why,
			 g->reason[0] ? "; no worker: " : "", g->reason);
		r = add_point(points, cnt, &p);
		if (r < 0)
			return r;
	}
	return 0;
}

static int choose(struct code *c, const struct placement_question *q, bool plain, struct target *t)
{
	static const enum probe_role roles[] = { PROBE_READ,   PROBE_WRITE, PROBE_SENDFILE,
						 PROBE_FREE,   PROBE_CLEAR, PROBE_SHUTDOWN,
						 PROBE_SET_BIO };
	struct group g;
	int r = 0;

	t->point_cnt = t->fallback_cnt = 0;
	for (size_t i = 0; r >= 0 && i < sizeof(roles) / sizeof(roles[0]); i++) {
		collect_group(&g, c, q, roles[i]);
		if (!plain && has_worker(roles[i]))
			r = add_worker(&g, q, roles[i], t);
		if (r > 0)
			r = add_exported(&g, false, t->fallback, &t->fallback_cnt);
		else if (r == 0)
			r = add_exported(&g, plain, t->points, &t->point_cnt);
	}
	return r < 0 ? r : 0;
}

int placement_choose(struct code *c, const struct placement_question *q, struct target *t)
{
	return choose(c, q, false, t);
}

int placement_choose_plain(struct code *c, const struct placement_question *q, struct target *t)
{
	return choose(c, q, true, t);
}

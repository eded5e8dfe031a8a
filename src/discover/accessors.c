// SPDX-License-Identifier: BSD-2-Clause
/*
 * The object's type: since OpenSSL 3.2 an SSL * may be a QUIC object. The accessors test for that
 * first, and the way that returns the field has the condition "these 4 bytes are this number". With
 * it, ways of other types are left out; the rest must agree. All accessors must have the same test.
 *
 * SSL_get_servername gives the connection's own name or the session's, whichever suits the moment,
 * and asks for many things on the way. Its place is that of the connection's: the one field that is
 * not in the session.
 *
 * The descriptor has no accessor. It is declared right behind the retry reason, and BIO_dup_chain
 * copies it, but not the retry reason: so it is the only int that is copied from behind that, and
 * must be at that very place.
 */
#include "accessors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "discover/access_copies.h"
#include "discover/access_walk.h"
#include "discover/code.h"
#include "discover/elf_code.h"
#include "discover/elf_file.h"

enum { INT_LEN = 4, POINTER_LEN = 8, RANDOM_LEN = 32, COPIED_MAX = 16 };

/* What of an outcome is the answer; PART_COPIED: what the beginning of *arg1 is a copy of. */
enum answer_part { PART_RESULT, PART_BEHIND_ARG1, PART_BEHIND_ARG2, PART_COPIED };

struct getter {
	enum tls_field field;
	enum accessor get;
	enum answer_part part;
	enum accessor set; /* stores argument 1 at the same place; ACCESSOR_CNT: there is none */
	uint8_t len, step_cnt; /* expected; step_cnt 0: one or two */
	bool typed;	       /* of a connection */
};

static const struct getter getters[] = {
	{ TLS_FIELD_RBIO, ACCESSOR_SSL_GET_RBIO, PART_RESULT, ACCESSOR_SSL_SET0_RBIO, POINTER_LEN,
	  1, true },
	{ TLS_FIELD_WBIO, ACCESSOR_SSL_GET_WBIO, PART_RESULT, ACCESSOR_SSL_SET0_WBIO, POINTER_LEN,
	  1, true },
	{ TLS_FIELD_VERSION, ACCESSOR_SSL_VERSION, PART_RESULT, ACCESSOR_CNT, INT_LEN, 1, true },
	{ TLS_FIELD_IS_SERVER, ACCESSOR_SSL_IS_SERVER, PART_RESULT, ACCESSOR_CNT, INT_LEN, 1,
	  true },
	{ TLS_FIELD_ALPN, ACCESSOR_SSL_GET0_ALPN_SELECTED, PART_BEHIND_ARG1, ACCESSOR_CNT,
	  POINTER_LEN, 0, true },
	{ TLS_FIELD_ALPN_LEN, ACCESSOR_SSL_GET0_ALPN_SELECTED, PART_BEHIND_ARG2, ACCESSOR_CNT,
	  INT_LEN, 0, true },
	{ TLS_FIELD_CIPHER, ACCESSOR_SSL_GET_CURRENT_CIPHER, PART_RESULT, ACCESSOR_CNT, POINTER_LEN,
	  2, true },
	{ TLS_FIELD_SERVER_NAME, ACCESSOR_SSL_GET_SERVERNAME, PART_RESULT, ACCESSOR_CNT,
	  POINTER_LEN, 1, true },
	{ TLS_FIELD_CIPHER_ID, ACCESSOR_SSL_CIPHER_GET_ID, PART_RESULT, ACCESSOR_CNT, INT_LEN, 1,
	  false },
	{ TLS_FIELD_BIO_TYPE, ACCESSOR_BIO_METHOD_TYPE, PART_RESULT, ACCESSOR_CNT, INT_LEN, 2,
	  false },
	{ TLS_FIELD_BIO_INIT, ACCESSOR_BIO_GET_INIT, PART_RESULT, ACCESSOR_BIO_SET_INIT, INT_LEN, 1,
	  false },
	{ TLS_FIELD_BIO_NEXT, ACCESSOR_BIO_NEXT, PART_RESULT, ACCESSOR_BIO_SET_NEXT, POINTER_LEN, 1,
	  false },
	{ TLS_FIELD_BIO_DATA, ACCESSOR_BIO_GET_DATA, PART_RESULT, ACCESSOR_BIO_SET_DATA,
	  POINTER_LEN, 1, false },
	{ TLS_FIELD_CLIENT_RANDOM, ACCESSOR_SSL_GET_CLIENT_RANDOM, PART_COPIED, ACCESSOR_CNT,
	  RANDOM_LEN, 0, true },
	{ TLS_FIELD_SERVER_RANDOM, ACCESSOR_SSL_GET_SERVER_RANDOM, PART_COPIED, ACCESSOR_CNT,
	  RANDOM_LEN, 0, true },
	{ TLS_FIELD_SHUTDOWN, ACCESSOR_SSL_GET_SHUTDOWN, PART_RESULT, ACCESSOR_SSL_SET_SHUTDOWN,
	  INT_LEN, 1, true },
	{ TLS_FIELD_QUIET_SHUTDOWN, ACCESSOR_SSL_GET_QUIET_SHUTDOWN, PART_RESULT,
	  ACCESSOR_SSL_SET_QUIET_SHUTDOWN, INT_LEN, 1, true },
	{ TLS_FIELD_IN_INIT, ACCESSOR_SSL_IN_INIT, PART_RESULT, ACCESSOR_CNT, INT_LEN, 1, true },
};

/* Gives no field of its own, but the place that BIO_NUM is behind. */
static const struct getter retry_reason = { TLS_FIELD_BIO_NUM,
					    ACCESSOR_BIO_GET_RETRY_REASON,
					    PART_RESULT,
					    ACCESSOR_BIO_SET_RETRY_REASON,
					    INT_LEN,
					    1,
					    false };

/* Of a session, which TLS_FIELD_CIPHER leads to. */
static const struct getter session_name = { TLS_FIELD_SESSION_NAME,
					    ACCESSOR_SSL_SESSION_GET0_HOSTNAME,
					    PART_RESULT,
					    ACCESSOR_CNT,
					    POINTER_LEN,
					    1,
					    false };

struct reading {
	struct code *code;
	const struct accessor_function *functions;
	struct tls_layout *layout;
	struct access_answer answer; /* scratch */
	bool has_type;		     /* of the function in hand */
	struct access_condition type;
};

/* Makes the place an unknown one. Returns false. */
__attribute__((format(printf, 3, 4))) static bool reject(struct tls_place *p, enum accessor a,
							 const char *fmt, ...)
{
	int len = snprintf(p->reason, sizeof(p->reason), "%s ", accessor_name(a));
	va_list ap;

	p->step_cnt = 0;
	va_start(ap, fmt);
	vsnprintf(p->reason + len, sizeof(p->reason) - (size_t)len, fmt, ap);
	va_end(ap);
	return false;
}

static bool is_there(const struct reading *rd, enum accessor a)
{
	return a < ACCESSOR_CNT && rd->functions[a].size > 0;
}

/* Fills rd->answer. */
static bool walk(struct reading *rd, enum accessor a, enum answer_part part, struct tls_place *p)
{
	struct access_question q = { .code = rd->code,
				     .vaddr = rd->functions[a].vaddr,
				     .size = rd->functions[a].size,
				     .copies = part == PART_COPIED,
				     .next = accessor_name(ACCESSOR_BIO_NEXT),
				     .next_vaddr = rd->functions[ACCESSOR_BIO_NEXT].vaddr };

	if (access_walk(&q, &rd->answer) == 0)
		return true;
	return reject(p, a, "cannot be read: %s", rd->answer.reason);
}

static uint64_t all_bits(const struct access_value *v)
{
	return v->len < POINTER_LEN ? UINT32_MAX : UINT64_MAX;
}

/* "This value is `want`", of all its bits. */
static bool says_is(const struct access_condition *c, uint64_t want)
{
	return c->equal && c->mask == all_bits(&c->value) && c->want == want;
}

static bool is_type_test(const struct access_condition *c)
{
	return c->value.kind == ACCESS_FIELD && c->value.len == INT_LEN && c->equal &&
	       c->mask == UINT32_MAX;
}

static bool is_field(const struct access_value *v)
{
	return v->kind == ACCESS_FIELD || v->kind == ACCESS_THROUGH;
}

/* A value that a condition says to be NULL is the number 0. */
static struct access_value value_in(const struct access_outcome *o, enum answer_part part)
{
	struct access_value v = part == PART_RESULT   ? o->result
				: part == PART_COPIED ? o->stored[1]
						      : o->stored[part];

	for (size_t i = 0; is_field(&v) && i < o->condition_cnt; i++)
		if (access_value_equal(&o->conditions[i].value, &v) &&
		    says_is(&o->conditions[i], 0))
			v = (struct access_value){ .kind = ACCESS_NUMBER };
	return v;
}

/* Where the session is, is known from its cipher; then the type is known, too. */
static bool take_known_type(struct reading *rd, const struct getter *g, struct tls_place *p)
{
	const struct tls_layout *l = rd->layout;

	if (!l->places[TLS_FIELD_CIPHER].step_cnt)
		return reject(p, g->get, "is not asked, as the session's place is not known");
	rd->has_type = l->has_type;
	rd->type = (struct access_condition){ .mask = UINT32_MAX, .want = l->type_value };
	rd->type.value = (struct access_value){ .kind = ACCESS_FIELD,
						.len = INT_LEN,
						.at = { l->type_offset } };
	return true;
}

/* The condition on the object's type that ways with an answer have. */
static bool find_type(struct reading *rd, const struct getter *g, struct tls_place *p)
{
	rd->has_type = false;
	if (g->field == TLS_FIELD_SERVER_NAME)
		return take_known_type(rd, g, p);
	for (size_t i = 0; i < rd->answer.cnt; i++) {
		const struct access_outcome *o = &rd->answer.outcomes[i];
		struct access_value v = value_in(o, g->part);

		if (!is_field(&v))
			continue;
		for (size_t k = 0; k < o->condition_cnt; k++) {
			const struct access_condition *c = &o->conditions[k];

			if (!is_type_test(c))
				continue;
			if (rd->has_type && (!access_value_equal(&c->value, &rd->type.value) ||
					     c->want != rd->type.want))
				return reject(p, g->get, "tests two things of the object");
			rd->has_type = true;
			rd->type = *c;
		}
	}
	return true;
}

/* Can a plain connection go this way? */
static bool is_plain(const struct reading *rd, const struct access_outcome *o)
{
	for (size_t i = 0; rd->has_type && i < o->condition_cnt; i++) {
		const struct access_condition *c = &o->conditions[i];

		if (access_value_equal(&c->value, &rd->type.value) &&
		    ((rd->type.want & c->mask) == c->want) != c->equal)
			return false;
	}
	return true;
}

/* Does the way find this pointer NULL (or, with `present`, find it there)? */
static bool knows_pointer(const struct access_outcome *o, const struct access_value *pointer,
			  bool present)
{
	for (size_t i = 0; i < o->condition_cnt; i++) {
		const struct access_condition *c = &o->conditions[i];

		if (access_value_equal(&c->value, pointer) && c->mask == UINT64_MAX && !c->want &&
		    c->equal != present)
			return true;
	}
	return false;
}

static struct access_value value_of_place(const struct tls_place *p)
{
	struct access_value v = { .kind = p->step_cnt == 1 ? ACCESS_FIELD : ACCESS_THROUGH,
				  .len = p->len };

	for (unsigned i = 0; i < p->step_cnt; i++)
		v.at[i] = p->steps[i];
	return v;
}

/* May a way give 0 instead? Only when a pointer that one has to look at anyway is NULL. */
static bool may_be_none(const struct reading *rd, const struct getter *g,
			const struct access_outcome *o, const struct access_value *answer)
{
	struct access_value first = { .kind = ACCESS_FIELD,
				      .len = POINTER_LEN,
				      .at = { answer->at[0] } };
	const struct tls_place *alpn = &rd->layout->places[TLS_FIELD_ALPN];
	struct access_value pointer = value_of_place(alpn);

	if (answer->kind == ACCESS_THROUGH && knows_pointer(o, &first, false))
		return true;
	if (g->field == TLS_FIELD_ALPN && knows_pointer(o, answer, false))
		return true;
	return g->field == TLS_FIELD_ALPN_LEN && alpn->step_cnt &&
	       knows_pointer(o, &pointer, false);
}

/*
 * With a buffering BIO the function gives the BIO behind it. That is found from the field, too:
 * the buffer then is the field's own value.
 */
static bool is_behind_buffer(const struct getter *g, const struct access_outcome *o,
			     const struct access_value *v)
{
	struct access_value buffer = { .kind = ACCESS_FIELD,
				       .len = POINTER_LEN,
				       .at = { v->at[0] } };

	return g->field == TLS_FIELD_WBIO && v->kind == ACCESS_NEXT &&
	       knows_pointer(o, &buffer, true);
}

/* What SSL_get_servername may give instead of the connection's own name. */
static bool is_other_name(const struct reading *rd, const struct getter *g,
			  const struct access_value *v)
{
	const struct tls_place *cipher = &rd->layout->places[TLS_FIELD_CIPHER];

	if (g->field != TLS_FIELD_SERVER_NAME)
		return false;
	return (v->kind == ACCESS_THROUGH && v->at[0] == cipher->steps[0]) ||
	       (v->kind == ACCESS_NUMBER && !v->at[0]);
}

static bool agree(struct reading *rd, const struct getter *g, struct access_value *ret,
		  struct tls_place *p)
{
	struct access_value answer = { 0 };

	for (size_t i = 0; i < rd->answer.cnt; i++) {
		struct access_value v = value_in(&rd->answer.outcomes[i], g->part);

		if (!is_plain(rd, &rd->answer.outcomes[i]) || !is_field(&v) ||
		    is_other_name(rd, g, &v))
			continue;
		if (is_field(&answer) && !access_value_equal(&v, &answer))
			return reject(p, g->get, "returns one field or another");
		answer = v;
	}
	if (!is_field(&answer))
		return reject(p, g->get, "returns no field of the object");
	for (size_t i = 0; i < rd->answer.cnt; i++) {
		const struct access_outcome *o = &rd->answer.outcomes[i];
		struct access_value v = value_in(o, g->part);

		if (!is_plain(rd, o) || is_behind_buffer(g, o, &v))
			continue;
		if (o->unsure || o->stored_len)
			return reject(p, g->get, "changes something, too");
		if (is_field(&v) || is_other_name(rd, g, &v) ||
		    (v.kind == ACCESS_NUMBER && !v.at[0] && may_be_none(rd, g, o, &answer)))
			continue;
		return reject(p, g->get, "returns something else than a field, too");
	}
	*ret = answer;
	return true;
}

/*
 * The function copies as much as it is asked for, in whatever pieces: the first one is the answer.
 * A wrong place would do no harm, as these bytes are only ever looked for among others.
 */
static bool agree_copied(struct reading *rd, const struct getter *g, struct access_value *ret,
			 struct tls_place *p)
{
	struct access_value answer = { 0 };

	for (size_t i = 0; i < rd->answer.cnt; i++) {
		struct access_value v = value_in(&rd->answer.outcomes[i], g->part);

		if (!is_plain(rd, &rd->answer.outcomes[i]) || !is_field(&v))
			continue;
		v.len = RANDOM_LEN;
		if (is_field(&answer) && !access_value_equal(&v, &answer))
			return reject(p, g->get, "copies one field or another");
		answer = v;
	}
	*ret = answer;
	return is_field(&answer) || reject(p, g->get, "copies no field of the object");
}

static bool take_place(const struct getter *g, const struct access_value *v, struct tls_place *p)
{
	unsigned steps = v->kind == ACCESS_THROUGH ? 2 : 1;

	if (v->len != g->len)
		return reject(p, g->get, "returns %u bytes, not %u", v->len, g->len);
	if (g->step_cnt && g->step_cnt != steps)
		return reject(p, g->get, "follows %s pointer than expected",
			      steps > 1 ? "one more" : "one less");
	p->step_cnt = (uint8_t)steps;
	p->len = v->len;
	p->reason[0] = '\0';
	for (unsigned i = 0; i < steps; i++)
		p->steps[i] = (uint16_t)v->at[i];
	return true;
}

/* All functions of a connection must tell its type in the same way; the first one says how. */
static bool agree_on_type(struct reading *rd, const struct getter *g, struct tls_place *p,
			  bool first)
{
	struct tls_layout *l = rd->layout;

	if (!g->typed && rd->has_type)
		return reject(p, g->get, "tests what the object is");
	if (!g->typed)
		return true;
	if (first) {
		l->has_type = rd->has_type;
		l->type_offset = rd->has_type ? (uint16_t)rd->type.value.at[0] : 0;
		l->type_value = rd->has_type ? (uint32_t)rd->type.want : 0;
	}
	if (l->has_type != rd->has_type ||
	    (l->has_type &&
	     (l->type_offset != rd->type.value.at[0] || l->type_value != rd->type.want)))
		return reject(p, g->get, "tests the object's type in a way of its own");
	return true;
}

static bool knows_any_typed(const struct tls_layout *l)
{
	for (size_t i = 0; i < sizeof(getters) / sizeof(getters[0]); i++)
		if (getters[i].typed && l->places[getters[i].field].step_cnt)
			return true;
	return false;
}

/* A setter must put its argument at this place, and nowhere else. */
static bool check_setter(struct reading *rd, const struct getter *g, struct tls_place *p)
{
	bool seen = false;

	if (!is_there(rd, g->set))
		return true;
	if (!walk(rd, g->set, PART_RESULT, p))
		return false;
	for (size_t i = 0; i < rd->answer.cnt; i++) {
		const struct access_outcome *o = &rd->answer.outcomes[i];

		if (!is_plain(rd, o) || !o->stored_len || o->stored[0].kind != ACCESS_ARG ||
		    o->stored[0].arg != 1)
			continue;
		if (o->stored_at != p->steps[0] || o->stored_len != p->len)
			return reject(p, g->set, "stores at 0x%llx what %s loads at 0x%x",
				      (unsigned long long)o->stored_at, accessor_name(g->get),
				      p->steps[0]);
		seen = true;
	}
	return seen || reject(p, g->set, "is not seen to store its argument");
}

static bool read_getter(struct reading *rd, const struct getter *g, struct tls_place *p)
{
	bool first = !knows_any_typed(rd->layout);
	struct access_value v = { 0 };
	bool (*find)(struct reading *, const struct getter *, struct access_value *,
		     struct tls_place *) = g->part == PART_COPIED ? agree_copied : agree;

	if (!is_there(rd, g->get))
		return reject(p, g->get, "is not exported");
	return walk(rd, g->get, g->part, p) && find_type(rd, g, p) && find(rd, g, &v, p) &&
	       agree_on_type(rd, g, p, first) && take_place(g, &v, p) && check_setter(rd, g, p);
}

/* The field that `a` returns must be at `at`; functions that are not there say nothing. */
static void check_step(struct reading *rd, enum accessor a, struct tls_place *p, unsigned step,
		       bool typed)
{
	const struct getter g = {
		TLS_FIELD_CNT, a, PART_RESULT, ACCESSOR_CNT, POINTER_LEN, 0, typed
	};
	struct tls_place other = { 0 };

	if (!p->step_cnt || !is_there(rd, a))
		return;
	if (!read_getter(rd, &g, &other))
		reject(p, a, "does not confirm it");
	else if (other.steps[0] != p->steps[step])
		reject(p, a, "loads 0x%x, not 0x%x", other.steps[0], p->steps[step]);
}

static bool read_num(struct reading *rd)
{
	struct tls_place *p = &rd->layout->places[TLS_FIELD_BIO_NUM];
	const struct accessor_function *f = &rd->functions[ACCESSOR_BIO_DUP_CHAIN];
	int64_t copied[COPIED_MAX];
	bool seen = false;
	int cnt;

	if (!read_getter(rd, &retry_reason, p))
		return false;
	if (!is_there(rd, ACCESSOR_BIO_DUP_CHAIN))
		return reject(p, ACCESSOR_BIO_DUP_CHAIN, "is not exported");
	cnt = access_copies(rd->code, f->vaddr, f->size, copied, COPIED_MAX);
	if (cnt < 0)
		return reject(p, ACCESSOR_BIO_DUP_CHAIN, "cannot be read");
	for (int i = 0; i < cnt; i++) {
		if (copied[i] < p->steps[0])
			continue;
		if (copied[i] != p->steps[0] + INT_LEN)
			return reject(p, ACCESSOR_BIO_DUP_CHAIN, "copies 0x%llx, not 0x%x",
				      (unsigned long long)copied[i], p->steps[0] + INT_LEN);
		seen = true;
	}
	if (!seen)
		return reject(p, ACCESSOR_BIO_DUP_CHAIN, "does not copy 0x%x",
			      p->steps[0] + INT_LEN);
	p->steps[0] = (uint16_t)(p->steps[0] + INT_LEN);
	return true;
}

/* Whatever SSL_get_servername gives of the session must be at this place. */
static bool read_session_name(struct reading *rd)
{
	struct tls_place *p = &rd->layout->places[TLS_FIELD_SESSION_NAME];
	const struct tls_place *cipher = &rd->layout->places[TLS_FIELD_CIPHER];

	if (!cipher->step_cnt)
		return reject(p, session_name.get,
			      "is not asked, as the session's place is not known");
	if (!read_getter(rd, &session_name, p))
		return false;
	p->step_cnt = 2;
	p->steps[1] = p->steps[0];
	p->steps[0] = cipher->steps[0];
	if (!is_there(rd, ACCESSOR_SSL_GET_SERVERNAME))
		return true;
	if (!walk(rd, ACCESSOR_SSL_GET_SERVERNAME, PART_RESULT, p))
		return false;
	for (size_t i = 0; i < rd->answer.cnt; i++) {
		const struct access_value *v = &rd->answer.outcomes[i].result;

		if (v->kind == ACCESS_THROUGH && v->at[0] == p->steps[0] && v->at[1] != p->steps[1])
			return reject(p, ACCESSOR_SSL_GET_SERVERNAME, "loads 0x%llx, not 0x%x",
				      (unsigned long long)v->at[1], p->steps[1]);
	}
	return true;
}

void accessors_init(struct tls_layout *layout)
{
	*layout = (struct tls_layout){ 0 };
	for (size_t i = 0; i < sizeof(getters) / sizeof(getters[0]); i++)
		reject(&layout->places[getters[i].field], getters[i].get,
		       "is in no file that was read");
	reject(&layout->places[TLS_FIELD_BIO_NUM], retry_reason.get, "is in no file that was read");
	reject(&layout->places[TLS_FIELD_SESSION_NAME], session_name.get,
	       "is in no file that was read");
}

void accessors_read(struct code *c, const struct accessor_function functions[ACCESSOR_CNT],
		    struct tls_layout *layout)
{
	struct reading rd = { .code = c, .functions = functions, .layout = layout };
	struct tls_place *places = layout->places;

	for (size_t i = 0; i < sizeof(getters) / sizeof(getters[0]); i++) {
		const struct getter *g = &getters[i];

		if (!places[g->field].step_cnt && is_there(&rd, g->get))
			read_getter(&rd, g, &places[g->field]);
	}
	if (is_there(&rd, ACCESSOR_SSL_GET_CURRENT_CIPHER)) {
		check_step(&rd, ACCESSOR_SSL_GET_SESSION, &places[TLS_FIELD_CIPHER], 0, true);
		check_step(&rd, ACCESSOR_SSL_SESSION_GET0_CIPHER, &places[TLS_FIELD_CIPHER], 1,
			   false);
	}
	if (is_there(&rd, session_name.get) && !places[TLS_FIELD_SESSION_NAME].step_cnt)
		read_session_name(&rd);
	if (is_there(&rd, ACCESSOR_BIO_METHOD_TYPE))
		check_step(&rd, ACCESSOR_BIO_METHOD_NAME, &places[TLS_FIELD_BIO_TYPE], 0, false);
	if (is_there(&rd, ACCESSOR_BIO_GET_RETRY_REASON) && !places[TLS_FIELD_BIO_NUM].step_cnt)
		read_num(&rd);
}

void accessors_read_file(struct elf_file *elf, struct tls_layout *layout)
{
	struct accessor_function functions[ACCESSOR_CNT];
	struct elf_function names[ACCESSOR_CNT] = { 0 };
	struct error ignored;
	struct code *code;

	for (unsigned i = 0; i < ACCESSOR_CNT; i++)
		names[i].name = accessor_name(i);
	if (elf_file_find_functions(elf, names, ACCESSOR_CNT, &ignored) < 0 ||
	    elf_code_open(elf, &code) < 0)
		return;
	for (unsigned i = 0; i < ACCESSOR_CNT; i++)
		functions[i] = (struct accessor_function){ names[i].vaddr,
							   names[i].found ? names[i].size : 0 };
	accessors_read(code, functions, layout);
	code_close(code);
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each open exchange sits in a slot; the oldest first. Usually there is one, so a walk is the
 * fastest search. Events of an exchange that has no slot (dropped, or no memory for it) are
 * ignored: it was counted when that happened.
 *
 * Without memory a message loses its head or the rest of its body, never its sizes; it is then
 * counted and marked (head_lost, body_cut).
 */
#include "pairing.h"

#include <stdlib.h>
#include <string.h>

#include "model/connection.h"
#include "model/counters.h"
#include "url.h"

struct slot {
	struct exchange *x;
	bool request_ended;
	bool response_ended;
	bool alone; /* a response whose request was never seen */
};

struct pairing {
	struct exchange_stage *stage;
	struct connection *conn;
	struct slot *slots; /* oldest first */
	size_t slot_cnt;
	size_t slot_cap;
};

void exchange_stage_init(struct exchange_stage *s, const struct exchange_out *out, void *user,
			 struct counters *counters)
{
	*s = (struct exchange_stage){
		.out = out,
		.user = user,
		.counters = counters,
		.body_limit = EXCHANGE_BODY_LIMIT,
		.open_max = EXCHANGE_OPEN_MAX,
	};
}

struct pairing *pairing_new(struct exchange_stage *s, struct connection *conn)
{
	struct pairing *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->stage = s;
	p->conn = connection_ref(conn);
	return p;
}

static void count_no_memory(struct pairing *p)
{
	p->stage->counters->exchange.no_memory++;
}

/* What is derived from the parts, right before sinks see the whole. */
static void complete(struct pairing *p, struct exchange *x)
{
	const struct message *q = &x->request, *a = &x->response;
	uint64_t end_ns = q->end_ns > a->end_ns ? q->end_ns : a->end_ns;

	x->begin_ns = q->present ? q->begin_ns : a->begin_ns;
	x->duration_ns = end_ns > x->begin_ns ? end_ns - x->begin_ns : 0;
	x->lost_bytes = q->lost_bytes + a->lost_bytes;
	if (!q->present || q->head_lost)
		return;
	url_split(q->method, q->target, message_header(q, "host"), &x->host, &x->path);
	x->url = url_build(q->method, q->target, message_header(q, "host"));
	if (!x->url)
		count_no_memory(p);
}

static bool is_whole(const struct message *m)
{
	return m->present && !m->head_lost && m->end == MESSAGE_COMPLETE && !m->lost_bytes;
}

/* Takes slot `i` out and gives its exchange away; what has not ended ends with `why`. */
static void publish(struct pairing *p, size_t i, enum message_end why)
{
	struct slot slot = p->slots[i];
	struct exchange *x = slot.x;
	struct counters *c = p->stage->counters;

	p->slot_cnt--;
	memmove(p->slots + i, p->slots + i + 1, (p->slot_cnt - i) * sizeof(*p->slots));
	if (x->request.present && !slot.request_ended)
		x->request.end = why;
	if (x->response.present && !slot.response_ended)
		x->response.end = why;
	complete(p, x);
	c->exchange.exchanges++;
	if (is_whole(&x->request) && is_whole(&x->response))
		c->exchange.exchanges_complete++;
	p->stage->out->exchange(p->stage->user, x);
	exchange_unref(x);
}

void pairing_close(struct pairing *p)
{
	if (!p)
		return;
	while (p->slot_cnt)
		publish(p, 0, MESSAGE_END_CLOSED);
	free(p->slots);
	connection_unref(p->conn);
	free(p);
}

static struct slot *find(struct pairing *p, uint64_t number)
{
	for (size_t i = p->slot_cnt; i-- > 0;)
		if (p->slots[i].x->number == number)
			return &p->slots[i];
	return NULL;
}

/* NULL without memory, which is counted. */
static struct slot *add(struct pairing *p, uint64_t number)
{
	struct exchange *x;

	if (p->slot_cnt >= p->stage->open_max)
		publish(p, 0, MESSAGE_END_LIMIT);
	if (p->slot_cnt == p->slot_cap) {
		size_t cap = p->slot_cap ? p->slot_cap * 2 : 2;
		struct slot *slots = realloc(p->slots, cap * sizeof(*slots));

		if (!slots) {
			count_no_memory(p);
			return NULL;
		}
		p->slots = slots;
		p->slot_cap = cap;
	}
	x = exchange_new(p->conn, number);
	if (!x) {
		count_no_memory(p);
		return NULL;
	}
	p->slots[p->slot_cnt] = (struct slot){ .x = x };
	return &p->slots[p->slot_cnt++];
}

/* Copies `s` to *at and moves that on. */
static struct str keep(char **at, struct str s)
{
	struct str kept = { *at, s.len };

	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return kept;
}

/*
 * One allocation for the headers and all their text, with `extra` bytes more at *ret_text. NULL
 * without memory.
 */
static void *keep_headers(const struct header *headers, size_t cnt, size_t extra,
			  struct header **ret_headers, char **ret_text)
{
	size_t len = cnt * sizeof(*headers) + extra;
	struct header *kept;
	char *text;

	for (size_t i = 0; i < cnt; i++)
		len += headers[i].name.len + headers[i].value.len;
	kept = malloc(len ? len : 1);
	if (!kept)
		return NULL;
	text = (char *)(kept + cnt);
	for (size_t i = 0; i < cnt; i++) {
		kept[i].name = keep(&text, headers[i].name);
		kept[i].value = keep(&text, headers[i].value);
	}
	*ret_headers = kept;
	*ret_text = text;
	return kept;
}

static int keep_head(struct message *m, const struct message_head *head)
{
	size_t extra = head->version.len + head->method.len + head->target.len + head->reason.len;
	char *text;

	m->status = head->status;
	m->head_block = keep_headers(head->headers, head->header_cnt, extra, &m->headers, &text);
	if (!m->head_block) {
		m->head_lost = true;
		return -1;
	}
	m->header_cnt = head->header_cnt;
	m->version = keep(&text, head->version);
	m->method = keep(&text, head->method);
	m->target = keep(&text, head->target);
	m->reason = keep(&text, head->reason);
	return 0;
}

static void learn_role(struct connection *c, enum dir dir, enum message_kind kind)
{
	if (c->role != CONN_ROLE_UNKNOWN)
		return;
	c->role = (dir == DIR_SENT) == (kind == MESSAGE_REQUEST) ? CONN_ROLE_CLIENT
								 : CONN_ROLE_SERVER;
}

static void add_interim(struct exchange *x, unsigned status)
{
	if (x->interim_cnt < sizeof(x->interim) / sizeof(x->interim[0]))
		x->interim[x->interim_cnt] = status;
	x->interim_cnt++;
}

static void on_head(void *user, enum dir dir, const struct message_head *head, uint64_t ts_ns)
{
	struct pairing *p = user;
	struct slot *slot = find(p, head->exchange);
	struct message *m;

	learn_role(p->conn, dir, head->kind);
	if (!slot)
		slot = add(p, head->exchange);
	if (!slot)
		return;
	if (head->interim) {
		add_interim(slot->x, head->status);
		return;
	}
	m = head->kind == MESSAGE_REQUEST ? &slot->x->request : &slot->x->response;
	if (m->present)
		return;
	if (head->kind == MESSAGE_RESPONSE && !slot->x->request.present)
		slot->alone = true;
	m->present = true;
	m->dir = dir;
	m->begin_ns = m->end_ns = ts_ns;
	buf_init(&m->body, p->stage->body_limit);
	if (keep_head(m, head) < 0)
		count_no_memory(p);
}

/* The message of that exchange which travels in `dir`, not yet ended; NULL when there is none. */
static struct message *find_open(struct pairing *p, enum dir dir, uint64_t number,
				 struct slot **ret_slot)
{
	struct slot *slot = find(p, number);
	struct exchange *x = slot ? slot->x : NULL;

	if (ret_slot)
		*ret_slot = slot;
	if (x && x->request.present && x->request.dir == dir)
		return slot->request_ended ? NULL : &x->request;
	if (x && x->response.present && x->response.dir == dir)
		return slot->response_ended ? NULL : &x->response;
	return NULL;
}

static void on_body(void *user, enum dir dir, uint64_t exchange, const uint8_t *data, size_t len,
		    uint64_t ts_ns)
{
	struct pairing *p = user;
	struct message *m = find_open(p, dir, exchange, NULL);
	int64_t kept;

	if (!m)
		return;
	m->body_size += len;
	m->end_ns = ts_ns;
	/* What is kept is a prefix: nothing after the first hole, whatever made it. */
	if (!len || m->body_cut)
		return;
	kept = m->lost_bytes ? 0 : buf_append_cut(&m->body, data, len);
	if (kept < 0)
		count_no_memory(p);
	m->body_cut = kept < (int64_t)len;
}

static void on_body_gap(void *user, enum dir dir, uint64_t exchange, uint64_t len, unsigned causes)
{
	struct message *m = find_open(user, dir, exchange, NULL);

	if (!m)
		return;
	m->body_size += len;
	m->lost_bytes += len;
	m->gap_causes |= causes;
}

static void on_trailers(void *user, enum dir dir, uint64_t exchange, const struct header *headers,
			size_t header_cnt)
{
	struct pairing *p = user;
	struct message *m = find_open(p, dir, exchange, NULL);
	char *text;

	if (!m || m->trailer_block || !header_cnt)
		return;
	m->trailer_block = keep_headers(headers, header_cnt, 0, &m->trailers, &text);
	if (m->trailer_block)
		m->trailer_cnt = header_cnt;
	else
		count_no_memory(p);
}

static void on_end(void *user, enum dir dir, uint64_t exchange, enum message_end end,
		   uint64_t ts_ns)
{
	struct pairing *p = user;
	struct slot *slot;
	struct message *m = find_open(p, dir, exchange, &slot);

	if (!m)
		return;
	m->end = end;
	m->end_ns = ts_ns > m->end_ns ? ts_ns : m->end_ns;
	if (m == &slot->x->request)
		slot->request_ended = true;
	else
		slot->response_ended = true;
	if (slot->response_ended && (slot->request_ended || slot->alone))
		publish(p, (size_t)(slot - p->slots), end);
}

static void on_opaque(void *user, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		      uint64_t ts_ns)
{
	struct pairing *p = user;
	struct data_piece piece = {
		.conn = p->conn, .dir = dir, .off = off, .data = data, .len = len, .ts_ns = ts_ns
	};

	p->stage->counters->exchange.data_bytes += len;
	p->stage->out->data(p->stage->user, &piece);
}

static void on_opaque_gap(void *user, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
			  uint64_t ts_ns)
{
	struct pairing *p = user;
	struct data_piece piece = { .conn = p->conn,
				    .dir = dir,
				    .off = off,
				    .lost = len,
				    .gap_causes = causes,
				    .ts_ns = ts_ns };

	p->stage->out->data(p->stage->user, &piece);
}

const struct message_ops exchange_ops = {
	.head = on_head,
	.body = on_body,
	.body_gap = on_body_gap,
	.trailers = on_trailers,
	.end = on_end,
	.opaque = on_opaque,
	.opaque_gap = on_opaque_gap,
};

// SPDX-License-Identifier: BSD-2-Clause
/*
 * The HTTP/1 connection: two directions, each a state machine (http1_priv.h draws it), and the
 * loop that feeds them. Every byte and every missing byte is told once, or counted as framing.
 */
#include "http1.h"

#include <stdlib.h>
#include <string.h>

#include "http1_priv.h"

/* Empty lines before the first message that http1_probe() bears with. */
enum { PROBE_LINE_ENDS_MAX = 8 };

void http1_tell_opaque(struct proto *p, struct http1_side *s, uint64_t off, const uint8_t *data,
		       size_t len)
{
	if (!len)
		return;
	s->account.opaque += len;
	p->events->opaque(p->user, s->dir, off, data, len, p->ts_ns);
}

void http1_tell_opaque_gap(struct proto *p, struct http1_side *s, uint64_t len, unsigned causes)
{
	if (!len)
		return;
	s->account.opaque_gap += len;
	p->events->opaque_gap(p->user, s->dir, s->off, len, causes, p->ts_ns);
}

void http1_resync(struct proto *p, struct http1_side *s, bool at_line)
{
	http1_pair_lose(&p->pairing);
	s->phase = at_line ? PHASE_RESYNC : PHASE_SKIP;
	if (s->tunnel_next)
		s->phase = PHASE_TUNNEL;
}

void http1_break(struct proto *p, struct http1_side *s, enum message_end end)
{
	p->events->end(p->user, s->dir, s->exchange, end, p->ts_ns);
	http1_resync(p, s, true);
}

void http1_finish(struct proto *p, struct http1_side *s)
{
	p->events->end(p->user, s->dir, s->exchange, s->gapped ? MESSAGE_END_GAP : MESSAGE_COMPLETE,
		       p->ts_ns);
	s->phase = s->tunnel_next ? PHASE_TUNNEL : PHASE_IDLE;
	if (s->is_response)
		p->pairing.answered = true;
}

/* Line ends between messages belong to none (RFC 9112 2.2). */
static size_t step_idle(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && (data[n] == '\r' || data[n] == '\n'))
		n++;
	s->account.framing += n;
	if (n < len) {
		http1_block_begin(p, s, PHASE_LINE);
		s->block_off = s->off + n;
	}
	return n;
}

/* At a line's first byte: it may be a start line. */
static size_t step_resync(struct proto *p, struct http1_side *s, const uint8_t *data)
{
	if (data[0] != '\r' && data[0] != '\n') {
		http1_block_begin(p, s, PHASE_LINE);
		return 0;
	}
	if (data[0] == '\r')
		s->phase = PHASE_SKIP;
	http1_tell_opaque(p, s, s->off, data, 1);
	return 1;
}

static size_t step_skip(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	const uint8_t *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;

	if (lf)
		s->phase = PHASE_RESYNC;
	http1_tell_opaque(p, s, s->off, data, n);
	return n;
}

/* Returns the bytes taken; 0 only when the phase changed. */
static size_t step(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	switch (s->phase) {
	case PHASE_IDLE:
		return step_idle(p, s, data, len);
	case PHASE_LINE:
	case PHASE_FIELDS:
	case PHASE_TRAILERS:
		return http1_step_block(p, s, data, len);
	case PHASE_LENGTH:
	case PHASE_CLOSE:
	case PHASE_CHUNK_SIZE:
	case PHASE_CHUNK_DATA:
	case PHASE_CHUNK_END:
		return http1_step_body(p, s, data, len);
	case PHASE_SKIP:
		return step_skip(p, s, data, len);
	case PHASE_RESYNC:
		return step_resync(p, s, data);
	case PHASE_TUNNEL:
		break;
	}
	http1_tell_opaque(p, s, s->off, data, len);
	return len;
}

static void http1_feed(struct proto *p, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		       uint64_t ts_ns)
{
	struct http1_side *s = &p->sides[dir];
	size_t pos = 0;

	p->ts_ns = ts_ns;
	s->off = off;
	while (pos < len) {
		size_t n = step(p, s, data + pos, len - pos);

		pos += n;
		s->off += n;
	}
}

static void http1_gap(struct proto *p, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
		      uint64_t ts_ns)
{
	struct http1_side *s = &p->sides[dir];
	uint64_t n = 0;

	p->ts_ns = ts_ns;
	s->off = off;
	http1_peek_over(p, s);
	switch (s->phase) {
	case PHASE_LINE:
	case PHASE_FIELDS:
	case PHASE_TRAILERS:
		http1_block_cut(p, s, MESSAGE_END_GAP);
		break;
	case PHASE_LENGTH:
	case PHASE_CLOSE:
	case PHASE_CHUNK_SIZE:
	case PHASE_CHUNK_DATA:
	case PHASE_CHUNK_END:
		n = http1_body_gap(p, s, len, causes);
		break;
	case PHASE_IDLE:
	case PHASE_SKIP:
	case PHASE_RESYNC:
		http1_resync(p, s, true);
		break;
	case PHASE_TUNNEL:
		break;
	}
	s->off += n;
	http1_tell_opaque_gap(p, s, len - n, causes);
	s->off = off + len;
}

static void http1_end(struct proto *p, enum dir dir, bool closed, uint64_t ts_ns)
{
	struct http1_side *s = &p->sides[dir];

	p->ts_ns = ts_ns;
	http1_peek_over(p, s);
	switch (s->phase) {
	case PHASE_LINE:
	case PHASE_FIELDS:
	case PHASE_TRAILERS:
		http1_block_cut(p, s, MESSAGE_END_CLOSED);
		break;
	case PHASE_CLOSE:
		if (closed)
			http1_finish(p, s);
		else
			http1_break(p, s, MESSAGE_END_CLOSED);
		break;
	case PHASE_LENGTH:
	case PHASE_CHUNK_SIZE:
	case PHASE_CHUNK_DATA:
	case PHASE_CHUNK_END:
		http1_break(p, s, MESSAGE_END_CLOSED);
		break;
	case PHASE_IDLE:
	case PHASE_SKIP:
	case PHASE_RESYNC:
	case PHASE_TUNNEL:
		break;
	}
}

/* Is `prefix` (of `have` bytes at `data`) still to be completed, there, or another? */
static enum proto_match match(const uint8_t *data, size_t have, struct str word)
{
	size_t n = have < word.len ? have : word.len;

	if (memcmp(data, word.p, n) != 0)
		return PROTO_NO;
	return have < word.len ? PROTO_MAYBE : PROTO_YES;
}

/* A method that is followed by a blank and a visible byte. */
static enum proto_match match_method(const uint8_t *data, size_t len, struct str method)
{
	enum proto_match m = match(data, len, method);

	if (m != PROTO_YES)
		return m;
	if (len > method.len && data[method.len] != ' ')
		return PROTO_NO;
	if (len < method.len + 2)
		return PROTO_MAYBE;
	return data[method.len + 1] > ' ' && data[method.len + 1] < 0x7f ? PROTO_YES : PROTO_NO;
}

/*
 * Known words only, for the first bytes of any protocol come here. Those of RTSP (ANNOUNCE,
 * DESCRIBE …) are left out, and so is "PRI", HTTP/2's.
 */
static enum proto_match http1_probe(const uint8_t *data, size_t len)
{
	static const char *const methods[] = {
		"GET",	  "POST",      "PUT",	      "HEAD",	    "DELETE",	"OPTIONS",
		"PATCH",  "CONNECT",   "TRACE",	      "PROPFIND",   "MKCOL",	"PROPPATCH",
		"COPY",	  "MOVE",      "LOCK",	      "UNLOCK",	    "REPORT",	"SEARCH",
		"PURGE",  "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY",	    "M-SEARCH", "BIND",
		"ACL",	  "LINK",      "UNLINK",      "QUERY",	    "CHECKOUT", "MERGE",
		"REBIND", "UNBIND",    "MKACTIVITY",  "MKCALENDAR",
	};
	enum proto_match best;

	for (int i = 0; i < PROBE_LINE_ENDS_MAX && len && (*data == '\r' || *data == '\n'); i++) {
		data++;
		len--;
	}
	best = match(data, len, STR_LIT("HTTP/1."));
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		enum proto_match m = match_method(data, len, str_from(methods[i]));

		if (m > best)
			best = m;
	}
	return best;
}

static struct proto *http1_open(const struct message_ops *events, void *user)
{
	struct proto *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->events = events;
	p->user = user;
	p->pairing.next = 1;
	for (int dir = 0; dir < DIR_CNT; dir++)
		p->sides[dir].dir = (enum dir)dir;
	http1_set_limits(p, &HTTP1_LIMITS_DEFAULT);
	return p;
}

static void http1_close(struct proto *p)
{
	if (!p)
		return;
	for (int dir = 0; dir < DIR_CNT; dir++)
		buf_done(&p->sides[dir].hold);
	free(p->pairing.queue);
	free(p->fields.items);
	free(p);
}

void http1_set_limits(struct proto *p, const struct http1_limits *limits)
{
	p->limits = *limits;
	p->fields.max = limits->header_cnt_max;
	for (int dir = 0; dir < DIR_CNT; dir++)
		buf_init(&p->sides[dir].hold, limits->head_max > limits->trailer_max
						      ? limits->head_max
						      : limits->trailer_max);
}

struct http1_account http1_account_of(const struct proto *p, enum dir dir)
{
	return p->sides[dir].account;
}

const struct proto_ops proto_http1 = {
	.name = "http1",
	.probe = http1_probe,
	.open = http1_open,
	.feed = http1_feed,
	.gap = http1_gap,
	.end = http1_end,
	.close = http1_close,
};

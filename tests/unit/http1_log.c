// SPDX-License-Identifier: BSD-2-Clause
#include "http1_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRS(s) (int)(s).len, (s).len ? (s).p : ""

static void fault(struct http1_log *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct http1_log *l, const char *fmt, ...)
{
	va_list ap;

	if (l->fault[0])
		return;
	va_start(ap, fmt);
	vsnprintf(l->fault, sizeof(l->fault), fmt, ap);
	va_end(ap);
}

static void put_escaped(struct buf *b, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\r')
			buf_append_str(b, "\\r");
		else if (p[i] == '\n')
			buf_append_str(b, "\\n");
		else if (p[i] == '\\' || p[i] < ' ' || p[i] > '~')
			buf_printf(b, "\\x%02x", p[i]);
		else
			buf_append_byte(b, p[i]);
	}
}

static struct http1_log_side *line_begin(struct http1_log *l, enum dir dir, char kind)
{
	struct http1_log_side *s = &l->sides[dir];

	if (s->last && s->last != kind)
		buf_append_byte(&s->text, '\n');
	if (s->last == kind && kind)
		return s;
	s->last = kind;
	if (kind == 'b')
		buf_printf(&s->text, "body %" PRIu64 " ", s->exchange);
	if (kind == 'o')
		buf_append_str(&s->text, "opaque ");
	return s;
}

static void expect_open(struct http1_log *l, struct http1_log_side *s, uint64_t exchange)
{
	if (!s->open || s->exchange != exchange)
		fault(l, "an event of message %" PRIu64 ", which is not open", exchange);
}

static void put_headers(struct buf *b, const struct header *headers, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		buf_append_str(b, "  ");
		put_escaped(b, headers[i].name.p, headers[i].name.len);
		buf_append_str(b, ": ");
		put_escaped(b, headers[i].value.p, headers[i].value.len);
		buf_append_byte(b, '\n');
	}
}

static void on_head(void *user, enum dir dir, const struct message_head *h, uint64_t ts_ns)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 0);
	struct buf *b = &s->text;

	if (s->open)
		fault(l, "a head inside message %" PRIu64, s->exchange);
	s->open = !h->interim;
	s->exchange = h->exchange;
	if (h->kind == MESSAGE_REQUEST)
		buf_printf(b, "request %" PRIu64 " %.*s %.*s %.*s\n", h->exchange, STRS(h->method),
			   STRS(h->target), STRS(h->version));
	else
		buf_printf(b, "response %" PRIu64 " %.*s %u%s%.*s%s%s\n", h->exchange,
			   STRS(h->version), h->status, h->reason.len ? " " : "", STRS(h->reason),
			   h->interim ? " (interim)" : "", h->has_request ? "" : " (alone)");
	put_headers(b, h->headers, h->header_cnt);
}

/* Notes that bytes at[0 … len) of a side were told. */
static void mark(struct http1_log *l, struct http1_log_side *s, size_t at, size_t len)
{
	if (at > s->bytes.len || len > s->bytes.len - at) {
		fault(l, "bytes told that were never fed");
		return;
	}
	for (size_t i = at; i < at + len; i++)
		if (s->told.data[i]++)
			fault(l, "byte %zu told twice", i);
}

/*
 * A body may be held for less than "HTTP/1.x NNN": then its bytes, or the first of them, are among
 * the last ones before this feed.
 */
static void mark_peeked(struct http1_log *l, struct http1_log_side *s, const uint8_t *data,
			size_t len)
{
	size_t end = l->feed_len ? l->feed_at : s->bytes.len;
	size_t at = end < 11 ? 0 : end - 11;

	while (len && at + len <= end && memcmp(s->bytes.data + at, data, len) != 0)
		at++;
	if (!len || at + len > end)
		fault(l, "body bytes that are empty or not the fed ones");
	else
		mark(l, s, at, len);
}

static void on_body(void *user, enum dir dir, uint64_t exchange, const uint8_t *data, size_t len,
		    uint64_t ts_ns)
{
	struct http1_log *l = user;
	struct http1_log_side *s = &l->sides[dir];

	expect_open(l, s, exchange);
	line_begin(l, dir, 'b');
	put_escaped(&s->text, data, len);
	s->body += len;
	if (len && l->feed_len && data >= l->feed && data + len <= l->feed + l->feed_len)
		mark(l, s, l->feed_at + (size_t)(data - l->feed), len);
	else
		mark_peeked(l, s, data, len);
}

static void on_body_gap(void *user, enum dir dir, uint64_t exchange, uint64_t len, unsigned causes)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 0);

	expect_open(l, s, exchange);
	buf_printf(&s->text, "body_gap %" PRIu64 " %" PRIu64 "\n", exchange, len);
	s->body_gap += len;
	if (causes != GAP_RING_FULL)
		fault(l, "causes of a gap changed");
}

static void on_trailers(void *user, enum dir dir, uint64_t exchange, const struct header *headers,
			size_t header_cnt)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 0);

	expect_open(l, s, exchange);
	buf_printf(&s->text, "trailers %" PRIu64 "\n", exchange);
	put_headers(&s->text, headers, header_cnt);
}

static void on_end(void *user, enum dir dir, uint64_t exchange, enum message_end end,
		   uint64_t ts_ns)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 0);

	expect_open(l, s, exchange);
	s->open = false;
	buf_printf(&s->text, "end %" PRIu64 " %s\n", exchange, message_end_name(end));
}

static void on_opaque(void *user, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		      uint64_t ts_ns)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 'o');
	/* holes take no room in `bytes`; what is told now came after all of them */
	size_t at = (size_t)(off - s->lost);

	put_escaped(&s->text, data, len);
	s->opaque += len;
	mark(l, s, at, len);
	if (!l->fault[0] && memcmp(s->bytes.data + at, data, len) != 0)
		fault(l, "opaque bytes differ from the input at %zu", at);
}

static void on_opaque_gap(void *user, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
			  uint64_t ts_ns)
{
	struct http1_log *l = user;
	struct http1_log_side *s = line_begin(l, dir, 0);

	buf_printf(&s->text, "opaque_gap %" PRIu64 " %" PRIu64 "\n", off, len);
	s->opaque_gap += len;
	if (causes != GAP_RING_FULL)
		fault(l, "causes of a gap changed");
}

static const struct message_ops log_ops = {
	.head = on_head,
	.body = on_body,
	.body_gap = on_body_gap,
	.trailers = on_trailers,
	.end = on_end,
	.opaque = on_opaque,
	.opaque_gap = on_opaque_gap,
};

bool http1_log_open(struct http1_log *l, const struct http1_limits *limits)
{
	*l = (struct http1_log){ .p = proto_http1.open(&log_ops, l) };
	if (!l->p)
		return false;
	if (limits)
		http1_set_limits(l->p, limits);
	for (int i = 0; i < DIR_CNT; i++) {
		buf_init(&l->sides[i].bytes, SIZE_MAX / 4);
		buf_init(&l->sides[i].told, SIZE_MAX / 4);
		buf_init(&l->sides[i].text, SIZE_MAX / 4);
	}
	return true;
}

/*
 * The log's own buffers grow before the parser runs, so that a test which makes allocations fail
 * meets the parser's.
 */
static void make_room(struct http1_log_side *s, size_t len)
{
	if (buf_reserve(&s->text, 8 * len + 4096) < 0)
		abort();
}

void http1_log_feed(struct http1_log *l, enum dir dir, const uint8_t *data, size_t len)
{
	struct http1_log_side *s = &l->sides[dir];
	uint64_t off = s->off;

	make_room(&l->sides[dir_other(dir)], 0);
	make_room(s, len);
	if (buf_append(&s->bytes, data, len) < 0 || buf_reserve(&s->told, len) < 0)
		abort();
	if (len)
		memset(s->told.data + s->told.len, 0, len);
	s->told.len += len;
	l->feed = data;
	l->feed_len = len;
	l->feed_at = s->bytes.len - len;
	s->off += len;
	proto_http1.feed(l->p, dir, off, data, len, 1);
	l->feed_len = 0;
}

void http1_log_gap(struct http1_log *l, enum dir dir, uint64_t len)
{
	struct http1_log_side *s = &l->sides[dir];
	uint64_t off = s->off;

	make_room(s, s->bytes.len);
	s->off += len;
	proto_http1.gap(l->p, dir, off, len, GAP_RING_FULL, 1);
	s->lost += len;
}

static void check_sums(struct http1_log *l, enum dir dir)
{
	struct http1_log_side *s = &l->sides[dir];
	struct http1_account a = http1_account_of(l->p, dir);
	uint64_t untold = 0;

	for (size_t i = 0; i < s->told.len; i++)
		untold += !s->told.data[i];
	if (a.body != s->body || a.body_gap != s->body_gap || a.opaque != s->opaque ||
	    a.opaque_gap != s->opaque_gap)
		fault(l, "%s: events and account differ", dir_name(dir));
	if (a.head + a.framing != untold)
		fault(l, "%s: head %" PRIu64 " + framing %" PRIu64 " != %" PRIu64 " untold",
		      dir_name(dir), a.head, a.framing, untold);
	if (a.body_gap + a.opaque_gap != s->lost)
		fault(l, "%s: %" PRIu64 " bytes lost, not all told", dir_name(dir), s->lost);
	if (a.held)
		fault(l, "%s: bytes held after the end", dir_name(dir));
	if (s->open)
		fault(l, "%s: message %" PRIu64 " never ended", dir_name(dir), s->exchange);
}

void http1_log_end(struct http1_log *l, bool closed)
{
	for (int dir = 0; dir < DIR_CNT; dir++) {
		make_room(&l->sides[dir], l->sides[dir].bytes.len);
		proto_http1.end(l->p, (enum dir)dir, closed, 1);
		line_begin(l, (enum dir)dir, 0);
	}
	for (int dir = 0; dir < DIR_CNT; dir++)
		check_sums(l, (enum dir)dir);
}

void http1_log_close(struct http1_log *l)
{
	proto_http1.close(l->p);
	for (int i = 0; i < DIR_CNT; i++) {
		buf_done(&l->sides[i].bytes);
		buf_done(&l->sides[i].told);
		buf_done(&l->sides[i].text);
	}
	*l = (struct http1_log){ 0 };
}

const char *http1_log_text(struct http1_log *l, enum dir dir)
{
	struct buf *b = &l->sides[dir].text;

	if (buf_append_byte(b, '\0') < 0)
		abort();
	b->len--;
	return (const char *)b->data;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A block:
 *
 *	07:31:00.123 curl[4242] → GET https://example.org/a  200 OK  application/json  ↑0 B ↓24
 *B  34.5 ms > Host: example.org
 *
 *	  < Content-Type: application/json
 *
 *	    {
 *	      "ok": true
 *	    }
 *
 * → : the program is the client, ← : it is the server; then, unless a URL says it, who is at the
 * other end. It is made in a buffer and written in one
 * go, so that the traced program's own output does not come in between.
 */
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/out_file.h"
#include "base/text.h"
#include "json_pretty.h"
#include "model/connection.h"
#include "model/exchange.h"
#include "model/gap.h"
#include "model/process.h"

enum {
	HEX_MAX = 512, /* bytes of a hex dump */
	BODY_INDENT = 4,
	BLOCK_KEEP = 1 << 20, /* memory of a longer block is given back */
};

static const size_t block_max = (size_t)1 << 30;

enum style { PLAIN, DIM, BOLD, RED, GREEN, YELLOW, CYAN };

/* A block being made. The first failure sticks. */
struct block {
	struct buf *out;
	bool color;
	int error;
};

struct sink {
	struct out_file file;
	struct buf block;
	bool color;
};

static void put(struct block *b, const char *text)
{
	if (!b->error)
		b->error = buf_append_str(b->out, text);
}

static void put_u64(struct block *b, uint64_t number)
{
	if (!b->error)
		b->error = buf_printf(b->out, "%llu", (unsigned long long)number);
}

static void put_size(struct block *b, uint64_t bytes)
{
	if (!b->error)
		b->error = text_size(b->out, bytes);
}

static void put_untrusted(struct block *b, struct str s)
{
	if (!b->error)
		b->error = text_escape(b->out, s, TEXT_LINE, 0);
}

static void style(struct block *b, enum style s)
{
	static const char *const codes[] = { "\x1b[0m",	 "\x1b[2m",  "\x1b[1m", "\x1b[31m",
					     "\x1b[32m", "\x1b[33m", "\x1b[36m" };

	if (b->color)
		put(b, codes[s]);
}

static void put_styled(struct block *b, enum style s, const char *text)
{
	style(b, s);
	put(b, text);
	style(b, PLAIN);
}

static void put_time(struct block *b, uint64_t ts_ns)
{
	time_t seconds = (time_t)(ts_ns / 1000000000u);
	struct tm tm = { 0 };

	localtime_r(&seconds, &tm);
	style(b, DIM);
	if (!b->error)
		b->error = buf_printf(b->out, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min,
				      tm.tm_sec, (unsigned)(ts_ns / 1000000u % 1000u));
	style(b, PLAIN);
}

/* "07:31:00.123 curl[4242] in web " */
static void put_who(struct block *b, const struct connection *c, uint64_t ts_ns)
{
	put_time(b, ts_ns);
	put(b, " ");
	put_untrusted(b, str_from(c->process->comm[0] ? c->process->comm : "?"));
	put(b, "[");
	put_u64(b, (uint64_t)c->process->pid);
	put(b, "] ");
	if (!c->process->container.name[0])
		return;
	style(b, DIM);
	put(b, "in ");
	put_untrusted(b, str_from(c->process->container.name));
	style(b, PLAIN);
	put(b, " ");
}

static void put_duration(struct block *b, uint64_t ns)
{
	if (b->error)
		return;
	if (ns < 1000000u)
		b->error = buf_printf(b->out, "%.0f µs", (double)ns / 1e3);
	else if (ns < 1000000000u)
		b->error = buf_printf(b->out, "%.1f ms", (double)ns / 1e6);
	else
		b->error = buf_printf(b->out, "%.2f s", (double)ns / 1e9);
}

static void put_causes(struct block *b, unsigned causes)
{
	static const char *const words[GAP_CAUSE_CNT] = { "ring full",	   "memory unreadable",
							  "call too long", "call not followed",
							  "limit reached", "cause unknown" };
	const char *before = " (";

	for (unsigned bit = 0; bit < GAP_CAUSE_CNT; bit++) {
		if (!(causes & 1u << bit))
			continue;
		put(b, before);
		put(b, words[bit]);
		before = ", ";
	}
	put(b, causes ? ")" : "");
}

/* A line of its own that nobody overlooks. */
static void begin_warning(struct block *b)
{
	put(b, "  ");
	style(b, RED);
	put(b, "!! ");
}

static void end_warning(struct block *b)
{
	style(b, PLAIN);
	put(b, "\n");
}

static void put_gap(struct block *b, uint64_t lost, unsigned causes)
{
	begin_warning(b);
	put_u64(b, lost);
	put(b, lost == 1 ? " byte lost here" : " bytes lost here");
	put_causes(b, causes);
	end_warning(b);
}

static void put_lines(struct block *b, struct str text)
{
	put(b, "    ");
	if (!b->error)
		b->error = text_escape(b->out, text, TEXT_BODY, BODY_INDENT);
	if (text.len && text.p[text.len - 1] != '\n')
		put(b, "\n");
}

static void put_hex(struct block *b, const uint8_t *data, size_t len)
{
	size_t shown = len > HEX_MAX ? HEX_MAX : len;

	if (!b->error)
		b->error = text_hex_dump(b->out, data, shown, 0, BODY_INDENT);
	if (len == shown)
		return;
	put(b, "    … ");
	put_u64(b, len - shown);
	put(b, len - shown == 1 ? " more byte\n" : " more bytes\n");
}

static bool looks_like_json(struct str type, const struct buf *body)
{
	size_t i = 0;

	for (size_t at = 0; at + 4 <= type.len; at++)
		if (str_eq_nocase(str_make(type.p + at, 4), STR_LIT("json")))
			return true;
	while (i < body->len && memchr(" \t\r\n", body->data[i], 4))
		i++;
	return i < body->len && (body->data[i] == '{' || body->data[i] == '[');
}

/* False when it is no JSON: nothing was put then. `part`: it may end anywhere. */
static bool put_json(struct block *b, const struct buf *body, size_t len, bool part)
{
	struct json_pretty pretty;
	struct buf text;
	bool good;

	buf_init(&text, block_max);
	json_pretty_init(&pretty, &text);
	good = json_pretty_feed(&pretty, body->data, len) == 0 &&
	       (part || json_pretty_is_whole(&pretty));
	if (good)
		put_lines(b, str_make(text.data, text.len));
	buf_done(&text);
	return good;
}

/* "gzip, 123 bytes, not decoded": false when the content is as it was meant. */
static bool put_coding(struct block *b, const struct message *m)
{
	struct str coding = message_header(m, "content-encoding");

	if (!coding.len || str_eq_nocase(coding, STR_LIT("identity")))
		return false;
	put(b, "    ");
	style(b, DIM);
	put_untrusted(b, coding);
	put(b, ", ");
	put_u64(b, m->body_size);
	put(b, m->body_size == 1 ? " byte, not decoded" : " bytes, not decoded");
	style(b, PLAIN);
	put(b, "\n");
	return true;
}

static void put_body(struct block *b, const struct message *m)
{
	struct str type = message_header(m, "content-type");
	bool part = m->body_cut || m->lost_bytes || m->end != MESSAGE_COMPLETE;
	size_t len = part ? text_whole_chars(m->body.data, m->body.len) : m->body.len;
	uint64_t left_out = m->body_size - m->body.len - m->lost_bytes;

	put(b, m->body_size ? "\n" : "");
	if (m->body.len) {
		if (put_coding(b, m) || !text_is_readable(m->body.data, len))
			put_hex(b, m->body.data, m->body.len);
		else if (!looks_like_json(type, &m->body) || !put_json(b, &m->body, len, part))
			put_lines(b, str_make(m->body.data, m->body.len));
	}
	if (m->lost_bytes)
		put_gap(b, m->lost_bytes, m->gap_causes);
	if (!left_out)
		return;
	put(b, "    … ");
	put_size(b, left_out);
	put(b, " more, kept the first ");
	put_size(b, m->body.len);
	if (m->body.len == m->body.max)
		put(b, " (--body-limit)\n");
	else
		put(b, m->lost_bytes ? " (up to the hole)\n" : " (out of memory)\n");
}

static void put_headers(struct block *b, char mark, const struct header *headers, size_t cnt)
{
	char prefix[] = { ' ', ' ', mark, ' ', '\0' };

	for (size_t i = 0; i < cnt; i++) {
		put_styled(b, DIM, prefix);
		style(b, CYAN);
		put_untrusted(b, headers[i].name);
		style(b, PLAIN);
		put(b, ": ");
		put_untrusted(b, headers[i].value);
		put(b, "\n");
	}
}

/* Where the connection ended before the message did. */
static const char *how_it_ended(const struct connection *c)
{
	static const struct {
		const char *how, *words;
	} rows[] = {
		{ "reset", "connection reset by the peer" },
		{ "timeout", "connection timed out" },
		{ "reset_sent", "connection reset by this side" },
		{ "broken", "connection reset or timed out" },
		{ "eof", "the peer ended the connection without close_notify" },
		{ "error", "the TLS library gave the connection up" },
		{ "process_exited", "the process has exited" },
		{ "process_killed", "the process was killed" },
		{ "process_executed", "the process runs another program" },
		{ "replaced", "connection closed, its object is used again" },
	};

	if (c->end == CONN_END_CAPTURE)
		return "the capture ended first";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].how, conn_how_name(c)))
			return rows[i].words;
	return "connection closed";
}

/* Why the message is not all there; nothing when it is. */
static void put_incomplete(struct block *b, const struct connection *c, const struct message *m,
			   const char *what)
{
	static const char *const why[] = {
		[MESSAGE_COMPLETE] = "",
		[MESSAGE_END_GAP] = "bytes of it were lost",
		[MESSAGE_END_INVALID] = "it breaks the rules of HTTP",
		[MESSAGE_END_LIMIT] = "a limit was reached",
	};

	if (m->end == MESSAGE_COMPLETE && !m->head_lost)
		return;
	begin_warning(b);
	put(b, what);
	put(b, " incomplete: ");
	if (m->head_lost)
		put(b, "out of memory");
	else
		put(b, m->end == MESSAGE_END_CLOSED ? how_it_ended(c) : why[m->end]);
	end_warning(b);
}

static void put_message(struct block *b, const struct connection *c, const struct message *m,
			char mark, const char *what)
{
	if (!m->present)
		return;
	put_headers(b, mark, m->headers, m->header_cnt);
	put_body(b, m);
	if (m->trailer_cnt)
		put(b, "\n");
	put_headers(b, mark, m->trailers, m->trailer_cnt);
	put_incomplete(b, c, m, what);
}

static void put_request_line(struct block *b, const struct exchange *x)
{
	const struct message *m = &x->request;

	if (!m->present) {
		put_styled(b, DIM, "(request not seen)");
		return;
	}
	style(b, BOLD);
	put_untrusted(b, m->method.len ? m->method : STR_LIT("?"));
	style(b, PLAIN);
	put(b, " ");
	put_untrusted(b, x->url ? str_from(x->url) : m->target);
}

static void put_status(struct block *b, const struct exchange *x)
{
	const struct message *m = &x->response;
	enum style s = m->status < 400 ? GREEN : m->status < 500 ? YELLOW : RED;

	put(b, "  ");
	if (!m->present) {
		put_styled(b, DIM, "(no response seen)");
		return;
	}
	style(b, s);
	put_u64(b, m->status);
	if (m->reason.len)
		put(b, " ");
	put_untrusted(b, m->reason);
	style(b, PLAIN);
}

/* The type without its parameters. */
static struct str content_type(const struct exchange *x)
{
	struct str type = message_header(&x->response, "content-type");
	int64_t end;

	if (!type.len)
		type = message_header(&x->request, "content-type");
	end = str_find(type, ';');
	return str_trim(end < 0 ? type : str_make(type.p, (size_t)end));
}

/* The URL names whom a client talks to; everybody else is shown by the address. */
static void put_peer(struct block *b, const struct exchange *x)
{
	const struct connection *c = x->conn;
	bool is_named = c->role != CONN_ROLE_SERVER && x->url && x->host.len &&
			!(c->remote && !strncmp(c->remote, "unix:", 5));

	if (!c->remote || is_named)
		return;
	style(b, DIM);
	put_untrusted(b, str_from(c->remote));
	style(b, PLAIN);
	put(b, "  ");
}

static void put_headline(struct block *b, const struct exchange *x)
{
	bool server = x->conn->role == CONN_ROLE_SERVER;
	const struct message *up = server ? &x->response : &x->request;
	const struct message *down = server ? &x->request : &x->response;
	struct str type = content_type(x);

	put_who(b, x->conn, x->begin_ns);
	put(b, server ? "← " : "→ ");
	put_peer(b, x);
	put_request_line(b, x);
	put_status(b, x);
	style(b, DIM);
	if (type.len)
		put(b, "  ");
	put_untrusted(b, type);
	put(b, "  ↑");
	put_size(b, up->body_size);
	put(b, " ↓");
	put_size(b, down->body_size);
	put(b, "  ");
	put_duration(b, x->duration_ns);
	style(b, PLAIN);
	put(b, "\n");
}

int terminal_exchange(struct buf *out, const struct exchange *x, bool color)
{
	struct block b = { .out = out, .color = color };

	put_headline(&b, x);
	put_message(&b, x->conn, &x->request, '>', "request");
	put(&b, x->request.present && x->response.present ? "\n" : "");
	put_message(&b, x->conn, &x->response, '<', "response");
	put(&b, "\n");
	return b.error;
}

int terminal_data(struct buf *out, const struct data_piece *d, bool color)
{
	struct block b = { .out = out, .color = color };

	put_who(&b, d->conn, d->ts_ns);
	put(&b, d->dir == DIR_SENT ? "→ sent" : "← received");
	if (d->len) {
		put(&b, " ");
		put_size(&b, d->len);
	}
	style(&b, DIM);
	if (d->conn->remote) {
		put(&b, d->dir == DIR_SENT ? "  to " : "  from ");
		put_untrusted(&b, str_from(d->conn->remote));
	}
	put(&b, "  #");
	put_untrusted(&b, str_from(d->conn->id));
	style(&b, PLAIN);
	put(&b, "\n");
	if (d->lost)
		put_gap(&b, d->lost, d->gap_causes);
	if (d->len && text_is_readable(d->data, d->len))
		put_lines(&b, str_make(d->data, d->len));
	else
		put_hex(&b, d->data, d->len);
	return b.error;
}

static bool claims(const char *spec)
{
	return !strcmp(spec, "terminal:");
}

static int open_sink(const char *spec, const struct sink_options *opt, struct sink **ret,
		     struct error *ret_error)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(ret_error, -ENOMEM, "cannot show anything: out of memory");
	out_file_borrow(&s->file, STDOUT_FILENO, OUT_FILE_BATCH);
	out_file_use_writer(&s->file, opt->writer);
	s->file.keep_partial = true;
	buf_init(&s->block, block_max);
	s->color = opt->color;
	*ret = s;
	return 0;
}

static int write_block(struct sink *s, int r)
{
	if (!r)
		r = out_file_give(&s->file, &s->block);
	/* Each block goes out at once. */
	if (!r)
		r = out_file_flush(&s->file);
	buf_reset(&s->block);
	if (s->block.cap > BLOCK_KEEP)
		buf_done(&s->block);
	return r;
}

static int on_exchange(struct sink *s, const struct exchange *x)
{
	return write_block(s, terminal_exchange(&s->block, x, s->color));
}

static int on_data(struct sink *s, const struct data_piece *d)
{
	return write_block(s, terminal_data(&s->block, d, s->color));
}

/* Nothing waits here; but a failure may be known by now. */
static int flush(struct sink *s)
{
	return out_file_flush(&s->file);
}

static uint64_t written(const struct sink *s)
{
	return out_file_written(&s->file);
}

static void close_sink(struct sink *s)
{
	if (!s)
		return;
	out_file_close(&s->file);
	buf_done(&s->block);
	free(s);
}

const struct sink_ops terminal_sink = {
	.name = "terminal",
	.help = "(without -o)  readable blocks on standard output",
	.claims = claims,
	.open = open_sink,
	.exchange = on_exchange,
	.data = on_data,
	.flush = flush,
	.written = written,
	.close = close_sink,
};

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks of lines: heads and trailers.
 *
 * A block that lies in one feed is read where it is; else its bytes are gathered in `hold`. A block
 * that ends badly (a bad line, a gap, a limit, the connection's end) is told as far as its lines
 * were whole and good; the bytes after them are told as opaque, so that none is hidden.
 */
#include "http1_priv.h"

#include <errno.h>
#include <string.h>

enum {
	WORD_MAX = 256,	       /* the first word of a start line: a method or a version */
	HOLD_KEEP_MAX = 16384, /* memory kept between messages */
};

/* Bytes of a block so far, wherever they lie. */
struct view {
	const uint8_t *data;
	uint8_t *writable; /* NULL: borrowed */
	size_t len;
};

void http1_block_begin(struct proto *p, struct http1_side *s, enum http1_phase phase)
{
	s->phase = phase;
	s->block_off = s->off;
	s->block_ts_ns = p->ts_ns;
	s->line_len = 0;
	s->in_word = true;
	s->folded = false;
}

void http1_hold_drop(struct http1_side *s)
{
	s->account.held -= s->hold.len;
	if (s->hold.cap > HOLD_KEEP_MAX)
		buf_done(&s->hold);
	buf_reset(&s->hold);
}

bool http1_hold_add(struct http1_side *s, const uint8_t *data, size_t len)
{
	if (buf_append(&s->hold, data, len) < 0)
		return false;
	s->account.held += len;
	return true;
}

static struct view held(const struct http1_side *s)
{
	return (struct view){ s->hold.data, s->hold.data, s->hold.len };
}

/* Length of the whole lines of `v`. */
static size_t whole_lines(struct view v)
{
	const uint8_t *lf = v.len ? memrchr(v.data, '\n', v.len) : NULL;

	return lf ? (size_t)(lf - v.data) + 1 : 0;
}

/* Out of memory: no more of this block can be gathered. The bytes at hand are read again. */
static size_t give_up(struct proto *p, struct http1_side *s)
{
	bool at_line = s->hold.len && whole_lines(held(s)) == s->hold.len;

	http1_block_cut(p, s, MESSAGE_END_LIMIT);
	if (s->phase == PHASE_RESYNC && !at_line)
		s->phase = PHASE_SKIP;
	return 0;
}

static bool role_allows(const struct proto *p, const struct http1_side *s, enum message_kind kind)
{
	return !p->role_known || (kind == MESSAGE_REQUEST) == (s->dir == p->request_dir);
}

static void learn_role(struct proto *p, const struct http1_side *s, enum message_kind kind)
{
	if (p->role_known)
		return;
	p->role_known = true;
	p->request_dir = kind == MESSAGE_REQUEST ? s->dir : dir_other(s->dir);
}

/* Is nothing of a response under way, or still unknown? */
static bool responses_quiet(const struct proto *p)
{
	return p->sides[dir_other(p->request_dir)].phase == PHASE_IDLE;
}

static enum http1_method pair(struct proto *p, struct http1_side *s, struct message_head *head)
{
	struct http1_pending pending = { 0, METHOD_OTHER };

	s->is_response = head->kind == MESSAGE_RESPONSE;
	if (s->is_response)
		head->has_request = http1_pair_response(&p->pairing, head->interim, &pending);
	else
		pending.exchange = http1_pair_request(&p->pairing, http1_method_of(head->method),
						      responses_quiet(p), p->limits.pending_max);
	head->exchange = s->exchange = pending.exchange;
	return pending.method;
}

void http1_tunnel(struct proto *p, struct http1_side *s)
{
	if (s->phase >= PHASE_LENGTH && s->phase <= PHASE_TRAILERS) {
		s->tunnel_next = true;
		return;
	}
	http1_tell_opaque(p, s, s->block_off, s->hold.data, s->hold.len);
	http1_hold_drop(s);
	s->phase = PHASE_TUNNEL;
}

static void after_head(struct proto *p, struct http1_side *s, const struct message_head *head,
		       enum http1_method asked)
{
	uint64_t len = 0;
	enum http1_framing framing = http1_framing_of(head, asked, &len);

	if (head->interim) {
		s->phase = PHASE_IDLE;
		return;
	}
	if (framing == FRAMING_TUNNEL) {
		s->tunnel_next = true;
		http1_tunnel(p, &p->sides[dir_other(s->dir)]);
	}
	http1_body_begin(p, s, framing, len);
	if (s->is_response && !head->has_request)
		http1_peek_begin(p, s);
}

/*
 * Tells the head in `v`, of which `whole` bytes are whole lines; `end` says whether the block is
 * complete, or what cut it. Returns how many bytes were told as head: 0 when it is none.
 */
static size_t tell_head(struct proto *p, struct http1_side *s, struct view v, size_t whole,
			enum message_end end)
{
	const uint8_t *lf = whole ? memchr(v.data, '\n', whole) : NULL;
	size_t start = lf ? (size_t)(lf - v.data) + 1 : 0;
	struct message_head head;
	enum http1_method asked;
	bool all_there = end == MESSAGE_COMPLETE;
	size_t used;
	int r;

	if (!start || !http1_parse_start(v.data, start - 1, &head) || !role_allows(p, s, head.kind))
		return 0;
	r = http1_parse_fields(&p->fields, v.data + start, v.writable ? v.writable + start : NULL,
			       whole - start, &used);
	if (r < 0)
		end = r == -EINVAL ? MESSAGE_END_INVALID : MESSAGE_END_LIMIT;
	head.headers = p->fields.items;
	head.header_cnt = p->fields.cnt;
	head.interim = head.kind == MESSAGE_RESPONSE && head.status < 200 && head.status != 101;
	learn_role(p, s, head.kind);
	asked = pair(p, s, &head);
	s->gapped = false;
	s->account.head += start + used;
	p->events->head(p->user, s->dir, &head, s->block_ts_ns);
	if (end == MESSAGE_COMPLETE)
		after_head(p, s, &head, asked);
	else if (head.interim && all_there)
		s->phase = PHASE_IDLE; /* no end to tell, no body: only its opaque rest shows */
	else if (head.interim)
		http1_resync(p, s, true);
	else
		http1_break(p, s, end);
	return start + used;
}

static size_t tell_trailers(struct proto *p, struct http1_side *s, struct view v, size_t whole,
			    enum message_end end)
{
	size_t used;
	int r = http1_parse_fields(&p->fields, v.data, v.writable, whole, &used);

	if (r < 0)
		end = r == -EINVAL ? MESSAGE_END_INVALID : MESSAGE_END_LIMIT;
	s->account.head += used;
	if (p->fields.cnt)
		p->events->trailers(p->user, s->dir, s->exchange, p->fields.items, p->fields.cnt);
	if (end == MESSAGE_COMPLETE)
		http1_finish(p, s);
	else
		http1_break(p, s, end);
	return used;
}

/* The block is over: `v` is all of it. */
static void tell_block(struct proto *p, struct http1_side *s, struct view v, enum message_end end)
{
	size_t whole = whole_lines(v);
	size_t used = 0;

	if (s->phase == PHASE_FIELDS)
		used = tell_head(p, s, v, whole, end);
	else if (s->phase == PHASE_TRAILERS)
		used = tell_trailers(p, s, v, whole, end);
	if (!used && s->phase <= PHASE_FIELDS)
		http1_resync(p, s, true);
	if (used < v.len)
		http1_tell_opaque(p, s, s->block_off + used, v.data + used, v.len - used);
	http1_hold_drop(s);
}

void http1_block_cut(struct proto *p, struct http1_side *s, enum message_end end)
{
	tell_block(p, s, held(s), end);
}

/* No start line: what is held of it, and `len` bytes at `data`, are opaque. */
static void reject_line(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len,
			bool at_line)
{
	http1_tell_opaque(p, s, s->block_off, s->hold.data, s->hold.len);
	http1_hold_drop(s);
	http1_tell_opaque(p, s, s->off, data, len);
	http1_resync(p, s, at_line);
}

/* Can a start line go on with this byte? Decides early, so that binary data is not gathered. */
static bool line_goes_on(struct http1_side *s, uint8_t c)
{
	s->line_len++;
	if (!s->in_word)
		return (c >= ' ' && c != 0x7f) || c == '\t' || c == '\r';
	if (c == ' ') {
		s->in_word = false;
		return s->line_len > 1;
	}
	return s->line_len <= WORD_MAX && (http1_is_token(c) || c == '/');
}

static bool is_start(const struct proto *p, const struct http1_side *s, struct view v)
{
	struct message_head head;

	return http1_parse_start(v.data, v.len - 1, &head) && role_allows(p, s, head.kind);
}

/* Takes bytes up to the end of the start line; held ones when it began in an earlier feed. */
static size_t step_line(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	size_t room = p->limits.head_max - s->hold.len;
	size_t avail = len < room ? len : room;
	struct view v = { data, NULL, 0 };
	size_t n = 0;

	while (n < avail && data[n] != '\n') {
		if (!line_goes_on(s, data[n++])) {
			reject_line(p, s, data, n, false);
			return n;
		}
	}
	if (n == room) {
		reject_line(p, s, data, n, false);
		return n;
	}
	if (n == avail)
		return http1_hold_add(s, data, n) ? n : give_up(p, s);
	v.len = ++n;
	if (s->hold.len) {
		if (!http1_hold_add(s, data, n))
			return give_up(p, s);
		v = held(s);
	}
	if (!is_start(p, s, v)) {
		reject_line(p, s, data, s->hold.len ? 0 : n, true);
		return n;
	}
	s->phase = PHASE_FIELDS;
	s->line_len = 0;
	return n;
}

/* Moves `*pos` on through the lines of a block; true behind its empty line. */
static bool scan_block(struct http1_side *s, const uint8_t *data, size_t len, size_t *pos)
{
	while (*pos < len) {
		const uint8_t *lf = memchr(data + *pos, '\n', len - *pos);
		size_t text = (lf ? (size_t)(lf - data) : len) - *pos;
		bool empty;

		if (text && !s->line_len) {
			s->line_first = data[*pos];
			s->folded |= s->line_first == ' ' || s->line_first == '\t';
		}
		s->line_len += text;
		*pos += text;
		if (!lf)
			break;
		++*pos;
		empty = !s->line_len || (s->line_len == 1 && s->line_first == '\r');
		s->line_len = 0;
		if (empty)
			return true;
	}
	return false;
}

size_t http1_step_block(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	size_t max = s->phase == PHASE_TRAILERS ? p->limits.trailer_max : p->limits.head_max;
	size_t room = max - s->hold.len;
	struct view v = { data, NULL, 0 };
	size_t pos = 0;
	bool done;

	if (s->phase == PHASE_LINE) {
		pos = step_line(p, s, data, len);
		if (s->phase != PHASE_FIELDS || s->hold.len)
			return pos;
	}
	done = scan_block(s, data, len < room ? len : room, &pos);
	if (!done && pos < room)
		return http1_hold_add(s, data, pos) ? pos : give_up(p, s);
	v.len = pos;
	if (s->hold.len || s->folded) {
		if (!http1_hold_add(s, data, pos))
			return give_up(p, s);
		v = held(s);
	}
	tell_block(p, s, v, done ? MESSAGE_COMPLETE : MESSAGE_END_LIMIT);
	if (s->phase == PHASE_RESYNC && s->line_len)
		s->phase = PHASE_SKIP;
	return pos;
}

// SPDX-License-Identifier: BSD-2-Clause
/* Bodies of HTTP/1. Their bytes are passed on where they lie, never copied. */
#include "http1_priv.h"

static void chunk_line_begin(struct http1_side *s)
{
	s->phase = PHASE_CHUNK_SIZE;
	s->chunk_at = CHUNK_AT_DIGITS;
	s->chunk_digits = false;
	s->chunk_line_len = 0;
	s->left = 0;
}

static void chunk_end_begin(struct http1_side *s)
{
	s->phase = PHASE_CHUNK_END;
	s->chunk_line_len = 0;
}

void http1_body_begin(struct proto *p, struct http1_side *s, enum http1_framing framing,
		      uint64_t len)
{
	switch (framing) {
	case FRAMING_INVALID:
		http1_break(p, s, MESSAGE_END_INVALID);
		return;
	case FRAMING_LENGTH:
		s->left = len;
		s->phase = PHASE_LENGTH;
		if (len)
			return;
		break;
	case FRAMING_CHUNKED:
		chunk_line_begin(s);
		return;
	case FRAMING_CLOSE:
		s->phase = PHASE_CLOSE;
		return;
	case FRAMING_NONE:
	case FRAMING_TUNNEL:
		break;
	}
	http1_finish(p, s);
}

static void tell_body(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	s->account.body += len;
	p->events->body(p->user, s->dir, s->exchange, data, len, p->ts_ns);
}

/* A part of known length is over. */
static void part_done(struct proto *p, struct http1_side *s)
{
	if (s->phase == PHASE_LENGTH)
		http1_finish(p, s);
	else
		chunk_end_begin(s);
}

static size_t step_known(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	size_t n = len < s->left ? len : (size_t)s->left;

	tell_body(p, s, data, n);
	s->left -= n;
	if (!s->left)
		part_done(p, s);
	return n;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool chunk_digit(struct http1_side *s, uint8_t c)
{
	int value = hex_value(c);

	if (value < 0 || s->left > INT64_MAX >> 4)
		return false;
	s->left = s->left << 4 | (unsigned)value;
	s->chunk_digits = true;
	return true;
}

/* The byte of a chunk-size line that is no digit and no LF. False: the line is none. */
static bool chunk_byte(struct http1_side *s, uint8_t c)
{
	switch (s->chunk_at) {
	case CHUNK_AT_DIGITS:
		if (c != '\r' && c != ';' && c != ' ' && c != '\t')
			return chunk_digit(s, c);
		if (!s->chunk_digits)
			return false;
		break;
	case CHUNK_AT_BLANK:
		if (c != '\r' && c != ';' && c != ' ' && c != '\t')
			return false;
		break;
	case CHUNK_AT_EXT:
		if (c != '\r')
			return c != '\0';
		break;
	case CHUNK_AT_LF:
		return false;
	}
	if (c == '\r')
		s->chunk_at = CHUNK_AT_LF;
	else
		s->chunk_at = c == ';' ? CHUNK_AT_EXT : CHUNK_AT_BLANK;
	return true;
}

/* Takes the line's bytes but the one that breaks it: that one is opaque. */
static size_t step_chunk_size(struct proto *p, struct http1_side *s, const uint8_t *data,
			      size_t len)
{
	enum message_end end = MESSAGE_COMPLETE;
	size_t n = 0;

	while (n < len && end == MESSAGE_COMPLETE) {
		if (s->chunk_line_len++ == p->limits.chunk_line_max)
			end = MESSAGE_END_LIMIT;
		else if (data[n] == '\n')
			break;
		else if (!chunk_byte(s, data[n]))
			end = MESSAGE_END_INVALID;
		else
			n++;
	}
	if (end == MESSAGE_COMPLETE && n < len) {
		if (s->chunk_digits)
			n++;
		else
			end = MESSAGE_END_INVALID;
	}
	s->account.framing += n;
	if (end != MESSAGE_COMPLETE) {
		http1_break(p, s, end);
	} else if (n && data[n - 1] == '\n') {
		s->phase = PHASE_CHUNK_DATA;
		if (!s->left)
			http1_block_begin(p, s, PHASE_TRAILERS);
		s->block_off = s->off + n;
	}
	return n;
}

static size_t step_chunk_end(struct proto *p, struct http1_side *s, const uint8_t *data)
{
	if (data[0] == '\r' && !s->chunk_line_len) {
		s->chunk_line_len = 1;
	} else if (data[0] == '\n') {
		chunk_line_begin(s);
	} else {
		http1_break(p, s, MESSAGE_END_INVALID);
		return 0;
	}
	s->account.framing++;
	return 1;
}

size_t http1_step_body(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	if (s->peeking)
		return http1_step_peek(p, s, data, len);
	switch (s->phase) {
	case PHASE_LENGTH:
	case PHASE_CHUNK_DATA:
		return step_known(p, s, data, len);
	case PHASE_CHUNK_SIZE:
		return step_chunk_size(p, s, data, len);
	case PHASE_CHUNK_END:
		return step_chunk_end(p, s, data);
	default:
		tell_body(p, s, data, len);
		return len;
	}
}

uint64_t http1_body_gap(struct proto *p, struct http1_side *s, uint64_t len, unsigned causes)
{
	bool known = s->phase == PHASE_LENGTH || s->phase == PHASE_CHUNK_DATA;
	uint64_t n = len;

	if (!known && s->phase != PHASE_CLOSE)
		n = 0;
	else if (known && n > s->left)
		n = s->left;
	if (n) {
		s->gapped = true;
		s->account.body_gap += n;
		p->events->body_gap(p->user, s->dir, s->exchange, n, causes);
	}
	if (known)
		s->left -= n;
	if (n < len)
		http1_break(p, s, MESSAGE_END_GAP);
	else if (known && !s->left)
		part_done(p, s);
	return n;
}

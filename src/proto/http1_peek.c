// SPDX-License-Identifier: BSD-2-Clause
/*
 * A response whose request was not seen may answer a HEAD: its fields then speak of a body that
 * never comes (RFC 9112 6.3, rule 1), and to wait for it would swallow the heads that follow. So
 * where such a body would begin, "HTTP/1.x NNN" is taken as the next head instead. A real body that
 * begins so is rarer than a HEAD.
 */
#include <string.h>

#include "http1_priv.h"

enum { PEEK_LEN = sizeof("HTTP/1.x NNN") - 1 };

static bool fits(size_t at, uint8_t c)
{
	static const char form[] = "HTTP/1.9 999"; /* 9: any digit */

	return form[at] == '9' ? c >= '0' && c <= '9' : c == (uint8_t)form[at];
}

void http1_peek_begin(struct proto *p, struct http1_side *s)
{
	bool has_body = s->phase == PHASE_LENGTH || s->phase == PHASE_CLOSE ||
			s->phase == PHASE_CHUNK_SIZE;

	s->peeking = has_body && p->limits.head_max > PEEK_LEN;
}

/* What is held begins the next head: as if http1_step_block() had gathered it. */
static void next_head(struct proto *p, struct http1_side *s)
{
	uint64_t off = s->block_off, ts_ns = s->block_ts_ns;

	s->peeking = false;
	http1_finish(p, s);
	http1_block_begin(p, s, PHASE_LINE);
	s->block_off = off;
	s->block_ts_ns = ts_ns;
	s->line_len = PEEK_LEN;
	s->in_word = false;
}

void http1_peek_over(struct proto *p, struct http1_side *s)
{
	size_t n;

	if (!s->peeking)
		return;
	s->peeking = false;
	if (!s->hold.len)
		return;
	n = http1_step_body(p, s, s->hold.data, s->hold.len);
	if (n < s->hold.len) {
		/* No chunk size, or more than the body's length: bytes in the midst of a line. */
		http1_tell_opaque(p, s, s->block_off + n, s->hold.data + n, s->hold.len - n);
		http1_resync(p, s, false);
	}
	http1_hold_drop(s);
}

size_t http1_step_peek(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len)
{
	size_t at = s->hold.len;
	size_t n = 0;

	if (!at) {
		s->block_off = s->off;
		s->block_ts_ns = p->ts_ns;
	}
	while (n < len && at + n < PEEK_LEN && fits(at + n, data[n]))
		n++;
	if ((n < len && at + n < PEEK_LEN) || !http1_hold_add(s, data, n)) {
		http1_peek_over(p, s);
		return 0;
	}
	if (s->hold.len == PEEK_LEN)
		next_head(p, s);
	return n;
}

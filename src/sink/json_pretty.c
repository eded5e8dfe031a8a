// SPDX-License-Identifier: BSD-2-Clause
/*
 * A state machine over single bytes with one bit a level: object or array. Blanks outside strings
 * are dropped and made anew; nothing else is ever changed.
 */
#include "json_pretty.h"

#include <errno.h>
#include <string.h>

enum state {
	WANT_VALUE, /* also: a closing bracket while `fresh` */
	WANT_KEY,   /* the same */
	WANT_COLON,
	WANT_NEXT, /* comma or closing bracket; at the top: another value */
	IN_STRING,
	IN_ESCAPE,
	IN_UNICODE,
	IN_NUMBER,
	IN_WORD,
};

void json_pretty_init(struct json_pretty *p, struct buf *out)
{
	memset(p, 0, sizeof(*p));
	p->out = out;
	p->state = WANT_VALUE;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool in_object(const struct json_pretty *p)
{
	unsigned level = p->depth - 1;

	return p->depth && p->in_object[level / 8] & 1 << level % 8;
}

static int new_line(struct json_pretty *p)
{
	int r = buf_append_byte(p->out, '\n');

	for (unsigned i = 0; i < p->depth && !r; i++)
		r = buf_append(p->out, "  ", 2);
	return r;
}

/* A value (or key) begins: on its own line inside brackets. */
static int begin_item(struct json_pretty *p)
{
	bool after_colon = in_object(p) && p->state == WANT_VALUE;

	p->fresh = false;
	if (p->depth && !after_colon)
		return new_line(p);
	return !p->depth && p->any ? buf_append_byte(p->out, '\n') : 0;
}

static void end_value(struct json_pretty *p)
{
	p->state = WANT_NEXT;
	p->apart = false;
	p->any |= !p->depth;
}

static int open_bracket(struct json_pretty *p, uint8_t c)
{
	unsigned level = p->depth;

	if (level == JSON_PRETTY_DEPTH_MAX)
		return -EINVAL;
	p->depth++;
	p->fresh = true;
	p->in_object[level / 8] &= (uint8_t) ~(1 << level % 8);
	if (c == '{')
		p->in_object[level / 8] |= (uint8_t)(1 << level % 8);
	p->state = c == '{' ? WANT_KEY : WANT_VALUE;
	return buf_append_byte(p->out, c);
}

static int close_bracket(struct json_pretty *p, uint8_t c)
{
	bool fresh = p->fresh;
	int r = 0;

	if (!p->depth || in_object(p) != (c == '}'))
		return -EINVAL;
	if (p->state != WANT_NEXT && !fresh)
		return -EINVAL;
	p->depth--;
	p->fresh = false;
	if (!fresh)
		r = new_line(p);
	end_value(p);
	return r < 0 ? r : buf_append_byte(p->out, c);
}

static int begin_value(struct json_pretty *p, uint8_t c)
{
	static const char *const words[] = { "true", "false", "null" };
	int r;

	if (c == ']' && p->fresh)
		return close_bracket(p, c);
	r = begin_item(p);
	if (r < 0)
		return r;
	if (c == '{' || c == '[')
		return open_bracket(p, c);
	if (c == '"') {
		p->is_key = false;
		p->state = IN_STRING;
		return buf_append_byte(p->out, c);
	}
	if (c == '-' || is_digit(c)) {
		p->state = IN_NUMBER;
		return buf_append_byte(p->out, c);
	}
	for (size_t i = 0; i < 3; i++) {
		if (c != (uint8_t)words[i][0])
			continue;
		p->word = words[i] + 1;
		p->state = IN_WORD;
		return buf_append_byte(p->out, c);
	}
	return -EINVAL;
}

static int begin_key(struct json_pretty *p, uint8_t c)
{
	int r;

	if (c == '}' && p->fresh)
		return close_bracket(p, c);
	if (c != '"')
		return -EINVAL;
	r = begin_item(p);
	p->is_key = true;
	p->state = IN_STRING;
	return r < 0 ? r : buf_append_byte(p->out, c);
}

static int after_value(struct json_pretty *p, uint8_t c)
{
	if (!p->depth)
		return p->apart ? begin_value(p, c) : -EINVAL;
	if (c == '}' || c == ']')
		return close_bracket(p, c);
	if (c != ',')
		return -EINVAL;
	p->state = in_object(p) ? WANT_KEY : WANT_VALUE;
	return buf_append_byte(p->out, c);
}

static int in_string(struct json_pretty *p, uint8_t c)
{
	if (c < 0x20)
		return -EINVAL;
	if (c == '\\')
		p->state = IN_ESCAPE;
	else if (c == '"' && p->is_key)
		p->state = WANT_COLON;
	else if (c == '"')
		end_value(p);
	return buf_append_byte(p->out, c);
}

static int in_escape(struct json_pretty *p, uint8_t c)
{
	if (p->state == IN_UNICODE) {
		if (!is_hex(c))
			return -EINVAL;
		p->state = --p->unicode ? IN_UNICODE : IN_STRING;
	} else {
		if (!c || !strchr("\"\\/bfnrtu", c))
			return -EINVAL;
		p->unicode = 4;
		p->state = c == 'u' ? IN_UNICODE : IN_STRING;
	}
	return buf_append_byte(p->out, c);
}

static int token(struct json_pretty *p, uint8_t c)
{
	switch (p->state) {
	case WANT_VALUE:
		return begin_value(p, c);
	case WANT_KEY:
		return begin_key(p, c);
	case WANT_NEXT:
		return after_value(p, c);
	}
	if (c != ':')
		return -EINVAL;
	p->state = WANT_VALUE;
	return buf_append(p->out, ": ", 2);
}

static int step(struct json_pretty *p, uint8_t c)
{
	switch (p->state) {
	case IN_STRING:
		return in_string(p, c);
	case IN_ESCAPE:
	case IN_UNICODE:
		return in_escape(p, c);
	case IN_WORD:
		if (c != (uint8_t)*p->word)
			return -EINVAL;
		if (!*++p->word)
			end_value(p);
		return buf_append_byte(p->out, c);
	case IN_NUMBER:
		/* Copied, not checked further: "1.2.3" stays what it is. */
		if (is_digit(c) || (c && strchr("+-.eE", c)))
			return buf_append_byte(p->out, c);
		end_value(p);
		break;
	}
	if (is_blank(c)) {
		p->apart = true;
		return 0;
	}
	return token(p, c);
}

int json_pretty_feed(struct json_pretty *p, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++) {
		int r = step(p, at[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

bool json_pretty_is_whole(const struct json_pretty *p)
{
	return !p->depth && (p->state == WANT_NEXT || p->state == IN_NUMBER);
}

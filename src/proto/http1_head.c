// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading heads. The connection (http1.c) has found where the lines are; here they get a meaning.
 *
 * Strictness follows one question: could two readers of this line disagree about where the message
 * ends? A NUL or a lone CR in a value, a blank before the colon, a line without a colon: yes, so
 * they are invalid. A field name with odd visible characters: no, so it is kept.
 */
#include "http1_head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_CAP_MIN = 32 };

/* RFC 9110 5.6.2 */
bool http1_is_token(uint8_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool parse_version(struct str s, struct str *ret)
{
	if (s.len != 8 || !str_starts_with(s, STR_LIT("HTTP/1.")) || !is_digit(s.p[7]))
		return false;
	*ret = str_make(s.p + 5, 3);
	return true;
}

/* Both spaces are single: more of them is no HTTP that two readers agree on. */
static bool parse_request(struct str line, struct message_head *ret)
{
	int64_t end = str_find(line, ' ');
	struct str rest;

	if (end <= 0)
		return false;
	for (int64_t i = 0; i < end; i++)
		if (!http1_is_token((uint8_t)line.p[i]))
			return false;
	ret->kind = MESSAGE_REQUEST;
	ret->method = str_make(line.p, (size_t)end);
	rest = str_make(line.p + end + 1, line.len - (size_t)end - 1);
	end = str_find(rest, ' ');
	if (end <= 0)
		return false;
	ret->target = str_make(rest.p, (size_t)end);
	return parse_version(str_make(rest.p + end + 1, rest.len - (size_t)end - 1), &ret->version);
}

static bool parse_response(struct str line, struct message_head *ret)
{
	const char *p = line.p;

	if (line.len < 12 || !parse_version(str_make(p, 8), &ret->version) || p[8] != ' ')
		return false;
	if (p[9] < '1' || !is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]))
		return false;
	if (line.len > 12 && p[12] != ' ')
		return false;
	ret->kind = MESSAGE_RESPONSE;
	ret->status = (unsigned)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	ret->reason = line.len > 13 ? str_make(p + 13, line.len - 13) : str_make(p + 12, 0);
	return true;
}

bool http1_parse_start(const uint8_t *line, size_t len, struct message_head *ret)
{
	struct str s;

	if (len && line[len - 1] == '\r')
		len--;
	if (memchr(line, '\r', len) || memchr(line, '\0', len))
		return false;
	s = str_make(line, len);
	*ret = (struct message_head){ .kind = MESSAGE_REQUEST };
	return parse_response(s, ret) || parse_request(s, ret);
}

/* Length of the field at `data` with all its folded lines, its last LF included. */
static size_t field_len(const uint8_t *data, size_t len)
{
	size_t at = 0;

	for (;;) {
		const uint8_t *lf = memchr(data + at, '\n', len - at);

		if (!lf)
			return len;
		at = (size_t)(lf - data) + 1;
		if (at == len || (data[at] != ' ' && data[at] != '\t'))
			return at;
	}
}

/* Line ends only where a fold is: each CR has its LF. */
static bool is_value(const uint8_t *data, size_t len)
{
	if (memchr(data, '\0', len))
		return false;
	for (size_t at = 0; at < len; at++) {
		const uint8_t *cr = memchr(data + at, '\r', len - at);

		if (!cr)
			break;
		at = (size_t)(cr - data);
		if (at + 1 == len || data[at + 1] != '\n')
			return false;
	}
	return true;
}

static bool is_name(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] <= ' ' || data[i] == 0x7f)
			return false;
	return len > 0;
}

/* `len` without the field's last line end. */
static int parse_field(const uint8_t *data, uint8_t *writable, size_t len, struct header *ret)
{
	const uint8_t *colon = memchr(data, ':', len);
	size_t name_len = colon ? (size_t)(colon - data) : 0;
	size_t value_at = name_len + 1;

	if (!colon || !is_name(data, name_len) || !is_value(data + value_at, len - value_at))
		return -EINVAL;
	if (memchr(data, '\n', len)) {
		if (!writable)
			return -EINVAL;
		for (size_t i = value_at; i < len; i++)
			if (writable[i] == '\r' || writable[i] == '\n')
				writable[i] = ' ';
	}
	ret->name = str_make(data, name_len);
	ret->value = str_trim(str_make(data + value_at, len - value_at));
	return 0;
}

static int fields_reserve(struct http1_fields *f)
{
	size_t cap = f->cap ? f->cap * 2 : FIELDS_CAP_MIN;
	struct header *items;

	if (f->cnt >= f->max)
		return -ENOBUFS;
	if (f->cnt < f->cap)
		return 0;
	items = reallocarray(f->items, cap, sizeof(*items));
	if (!items)
		return -ENOMEM;
	f->items = items;
	f->cap = cap;
	return 0;
}

int http1_parse_fields(struct http1_fields *f, const uint8_t *data, uint8_t *writable, size_t len,
		       size_t *ret_used)
{
	size_t at = 0;
	int r = 0;

	f->cnt = 0;
	*ret_used = 0;
	while (at < len) {
		size_t whole = field_len(data + at, len - at);
		size_t text = whole - 1;

		if (text && data[at + text - 1] == '\r')
			text--;
		if (!text) {
			at += whole;
			break;
		}
		r = fields_reserve(f);
		if (r < 0)
			break;
		r = parse_field(data + at, writable ? writable + at : NULL, text,
				&f->items[f->cnt]);
		if (r < 0)
			break;
		f->cnt++;
		at += whole;
	}
	*ret_used = at;
	return r;
}

enum http1_method http1_method_of(struct str method)
{
	if (str_eq(method, STR_LIT("HEAD")))
		return METHOD_HEAD;
	return str_eq(method, STR_LIT("CONNECT")) ? METHOD_CONNECT : METHOD_OTHER;
}

/* Repeated and listed values must all be the same (RFC 9112 6.3, rule 5). */
static bool length_agrees(struct str list, bool *have, uint64_t *len)
{
	bool any = false;
	struct str part;

	if (list.len && list.p[list.len - 1] == ',')
		return false;
	while (str_next_part(&list, ',', &part)) {
		uint64_t value;

		if (str_to_u64(str_trim(part), 10, &value) < 0 || value > INT64_MAX)
			return false;
		if (*have && *len != value)
			return false;
		*have = any = true;
		*len = value;
	}
	return any;
}

struct codings {
	bool any;
	unsigned chunked_cnt;
	bool chunked_last;
};

static void read_codings(struct str list, struct codings *c)
{
	struct str part;

	c->any = true;
	while (str_next_part(&list, ',', &part)) {
		part = str_trim(part);
		if (!part.len)
			continue;
		c->chunked_last = str_eq_nocase(part, STR_LIT("chunked"));
		c->chunked_cnt += c->chunked_last;
	}
}

static bool never_has_body(const struct message_head *head, enum http1_method asked)
{
	return head->status / 100 == 1 || head->status == 204 || head->status == 304 ||
	       asked == METHOD_HEAD;
}

enum http1_framing http1_framing_of(const struct message_head *head, enum http1_method asked,
				    uint64_t *ret_len)
{
	bool is_response = head->kind == MESSAGE_RESPONSE;
	bool have_len = false, lens_agree = true;
	struct codings codings = { 0 };

	/* It has no content, whatever it says: what follows is the tunnel's (RFC 9110 9.3.6). */
	if (!is_response && http1_method_of(head->method) == METHOD_CONNECT)
		return FRAMING_NONE;
	if (is_response &&
	    (head->status == 101 || (asked == METHOD_CONNECT && head->status / 100 == 2)))
		return FRAMING_TUNNEL;
	if (is_response && never_has_body(head, asked))
		return FRAMING_NONE;
	for (size_t i = 0; i < head->header_cnt; i++) {
		const struct header *h = &head->headers[i];

		if (str_eq_nocase(h->name, STR_LIT("content-length")))
			lens_agree &= length_agrees(h->value, &have_len, ret_len);
		else if (str_eq_nocase(h->name, STR_LIT("transfer-encoding")))
			read_codings(h->value, &codings);
	}
	if (codings.chunked_cnt > 1 || !lens_agree)
		return FRAMING_INVALID;
	if (codings.any && codings.chunked_last)
		return FRAMING_CHUNKED;
	if (codings.any)
		return is_response ? FRAMING_CLOSE : FRAMING_INVALID;
	if (have_len)
		return FRAMING_LENGTH;
	return is_response ? FRAMING_CLOSE : FRAMING_NONE;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "json.h"

#include <inttypes.h>
#include <time.h>

#include "base64.h"
#include "text.h"

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

int json_error(const struct json *j)
{
	return j->error;
}

static void put(struct json *j, const void *data, size_t len)
{
	if (!j->error)
		j->error = buf_append(j->out, data, len);
}

/* A value begins: the comma before it, if any. */
static void value(struct json *j)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
}

static void begin(struct json *j, const char *bracket)
{
	value(j);
	put(j, bracket, 1);
	j->comma = false;
}

static void end(struct json *j, const char *bracket)
{
	put(j, bracket, 1);
	j->comma = true;
}

void json_object_begin(struct json *j)
{
	begin(j, "{");
}

void json_object_end(struct json *j)
{
	end(j, "}");
}

void json_array_begin(struct json *j)
{
	begin(j, "[");
}

void json_array_end(struct json *j)
{
	end(j, "]");
}

void json_key(struct json *j, const char *key)
{
	value(j);
	put(j, "\"", 1);
	put(j, key, strlen(key));
	put(j, "\":", 2);
	j->comma = false;
}

static void put_escape(struct json *j, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	char escape[6] = { '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15] };

	switch (byte) {
	case '"':
		put(j, "\\\"", 2);
		break;
	case '\\':
		put(j, "\\\\", 2);
		break;
	case '\n':
		put(j, "\\n", 2);
		break;
	case '\r':
		put(j, "\\r", 2);
		break;
	case '\t':
		put(j, "\\t", 2);
		break;
	default:
		put(j, escape, sizeof(escape));
	}
}

/*
 * How many whole words of `p` need no escape, in bytes. By word: a byte below 0x20 or equal to a
 * given one borrows into its top bit. A byte from 0x80 on may stop it, and never passes it wrongly
 * unless `pass_high`.
 */
static size_t plain_words(const char *p, size_t len, bool pass_high)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	size_t n = 0;

	for (; len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
		uint64_t w, quote, slash, del;

		memcpy(&w, p + n, sizeof(w));
		if (w & tops && !pass_high)
			break;
		quote = w ^ ones * '"';
		slash = w ^ ones * '\\';
		del = w ^ ones * 0x7f;
		if ((((w - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones)) & ~w) &
		    tops)
			break;
	}
	return n;
}

/* Bytes from `high` on are escaped too. */
static void put_string(struct json *j, struct str s, unsigned high)
{
	size_t start = 0, i;

	value(j);
	put(j, "\"", 1);
	for (i = 0; i < s.len; i++) {
		uint8_t byte;

		i += plain_words(s.p + i, s.len - i, high > 0xff);
		if (i == s.len)
			break;
		byte = (uint8_t)s.p[i];
		if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f && byte < high)
			continue;
		put(j, s.p + start, i - start);
		put_escape(j, byte);
		start = i + 1;
	}
	put(j, s.p + start, i - start);
	put(j, "\"", 1);
}

void json_str(struct json *j, struct str s)
{
	put_string(j, s, text_is_utf8(s.p, s.len) ? 0x100 : 0x80);
}

void json_latin1(struct json *j, struct str s)
{
	put_string(j, s, 0x80);
}

void json_c_str(struct json *j, const char *s)
{
	if (s)
		json_str(j, str_from(s));
	else
		json_null(j);
}

void json_base64(struct json *j, const void *data, size_t len)
{
	value(j);
	put(j, "\"", 1);
	if (!j->error)
		j->error = base64_encode(j->out, data, len);
	put(j, "\"", 1);
}

void json_u64(struct json *j, uint64_t number)
{
	value(j);
	if (!j->error)
		j->error = buf_printf(j->out, "%" PRIu64, number);
}

void json_i64(struct json *j, int64_t number)
{
	value(j);
	if (!j->error)
		j->error = buf_printf(j->out, "%" PRId64, number);
}

void json_bool(struct json *j, bool truth)
{
	value(j);
	put(j, truth ? "true" : "false", truth ? 4 : 5);
}

void json_null(struct json *j)
{
	value(j);
	put(j, "null", 4);
}

void json_time(struct json *j, uint64_t ts_ns)
{
	time_t seconds = (time_t)(ts_ns / 1000000000u);
	char day[40];
	struct tm tm;
	size_t len;

	value(j);
	/* 64 bits of nanoseconds end in the year 2554: neither call can fail. */
	gmtime_r(&seconds, &tm);
	len = strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!j->error)
		j->error = buf_printf(j->out, "\"%.*s.%09uZ\"", (int)len, day,
				      (unsigned)(ts_ns % 1000000000u));
}

// SPDX-License-Identifier: BSD-2-Clause
#include "json.h"

#include <string.h>

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

/* Mostly a few bytes for which there is room. */
static inline void put(struct json *j, const void *data, size_t len)
{
	struct buf *out = j->out;

	if (j->error || !len)
		return;
	if (len <= out->cap - out->len) {
		memcpy(out->data + out->len, data, len);
		out->len += len;
		return;
	}
	j->error = buf_append(out, data, len);
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
	size_t len = strlen(key);

	value(j);
	put(j, "\"", 1);
	put(j, key, len);
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

void json_utf8(struct json *j, struct str s)
{
	put_string(j, s, 0x100);
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

enum { U64_DIGITS_MAX = 20 };

/* The digits of `n` before `end`, at least `min` of them; returns where they begin. */
static char *digits_before(char *end, uint64_t n, unsigned min)
{
	char *p = end;

	while (n || p > end - min) {
		*--p = (char)('0' + n % 10);
		n /= 10;
	}
	return p;
}

void json_u64(struct json *j, uint64_t number)
{
	char digits[U64_DIGITS_MAX], *end = digits + sizeof(digits);
	char *p = digits_before(end, number, 1);

	value(j);
	put(j, p, (size_t)(end - p));
}

void json_i64(struct json *j, int64_t number)
{
	char digits[1 + U64_DIGITS_MAX], *end = digits + sizeof(digits);
	uint64_t magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
	char *p = digits_before(end, magnitude, 1);

	if (number < 0)
		*--p = '-';
	value(j);
	put(j, p, (size_t)(end - p));
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

struct date {
	unsigned year, month, day;
};

/*
 * Of the Gregorian calendar, `days` after 1970-01-01. Counted from a 1st of March, so that the day
 * that a leap year has more is a year's last one; 400 years are always 146,097 days.
 */
static struct date date_of(uint64_t days)
{
	uint64_t since = days + 719468; /* days since the 1st of March of the year 0 */
	uint64_t era = since / 146097, of_era = since % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* 0 is March */

	return (struct date){
		.year = (unsigned)(era * 400 + year + (month >= 10)),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
	};
}

void json_time(struct json *j, uint64_t ts_ns)
{
	char text[] = "\"1970-01-01T00:00:00.000000000Z\"";
	uint64_t seconds = ts_ns / 1000000000u, of_day = seconds % 86400;
	struct date d = date_of(seconds / 86400);

	/* 64 bits of nanoseconds end in the year 2554: four digits are enough. */
	digits_before(text + 5, d.year, 4);
	digits_before(text + 8, d.month, 2);
	digits_before(text + 11, d.day, 2);
	digits_before(text + 14, of_day / 3600, 2);
	digits_before(text + 17, of_day / 60 % 60, 2);
	digits_before(text + 20, of_day % 60, 2);
	digits_before(text + 30, ts_ns % 1000000000u, 9);
	value(j);
	put(j, text, sizeof(text) - 1);
}

void json_time_or_null(struct json *j, uint64_t ts_ns)
{
	if (ts_ns)
		json_time(j, ts_ns);
	else
		json_null(j);
}

void json_members(struct json *j, struct str members)
{
	value(j);
	put(j, members.p, members.len);
}

void json_key_u64(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_u64(j, value);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "str.h"

#include <errno.h>
#include <stdlib.h>

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_make(s.p, prefix.len), prefix);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

int64_t str_find(struct str s, char c)
{
	const char *at = s.len ? memchr(s.p, c, s.len) : NULL;

	return at ? at - s.p : -1;
}

char *str_dup(struct str s)
{
	char *copy = malloc(s.len + 1);

	if (!copy)
		return NULL;
	if (s.len)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}

bool str_next_part(struct str *rest, char sep, struct str *ret_part)
{
	int64_t at;

	if (!rest->len)
		return false;
	at = str_find(*rest, sep);
	if (at < 0) {
		*ret_part = *rest;
		*rest = (struct str){ 0 };
		return true;
	}
	*ret_part = str_make(rest->p, (size_t)at);
	*rest = str_make(rest->p + at + 1, rest->len - (size_t)at - 1);
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int str_to_u64(struct str s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;

	if (!s.len)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		int digit = digit_value(s.p[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

bool str_number_after(struct str s, struct str key, uint64_t *ret)
{
	size_t len = 0;

	if (!str_starts_with(s, key))
		return false;
	s = str_trim(str_make(s.p + key.len, s.len - key.len));
	while (len < s.len && s.p[len] >= '0' && s.p[len] <= '9')
		len++;
	return str_to_u64(str_make(s.p, len), 10, ret) == 0;
}

static unsigned size_suffix_shift(char c)
{
	switch (ascii_lower(c)) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	default:
		return 0;
	}
}

int str_to_size(struct str s, uint64_t *ret)
{
	unsigned shift = s.len ? size_suffix_shift(s.p[s.len - 1]) : 0;
	uint64_t value;
	int r;

	if (shift)
		s.len--;
	r = str_to_u64(s, 10, &value);
	if (r < 0)
		return r;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = value << shift;
	return 0;
}

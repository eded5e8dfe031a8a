// SPDX-License-Identifier: BSD-2-Clause
/*
 * One decoder decides what a character is; all else asks it. Escapes never look like anything but
 * escapes, yet a backslash stands for itself: shown text is for reading, not for reading back.
 */
#include "text.h"

#include <string.h>

/* Smallest character that needs 2, 3, 4 bytes: anything less is an overlong form. */
static const uint32_t char_min[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t char_len(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	if (lead >= 0xf0 && lead < 0xf5)
		return 4;
	return 0;
}

size_t text_decode(const uint8_t *p, size_t len, uint32_t *ret_char)
{
	size_t need = len ? char_len(p[0]) : 0;
	uint32_t c;

	if (!need || need > len)
		return 0;
	c = need == 1 ? p[0] : p[0] & (0x7f >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < char_min[need] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*ret_char = c;
	return need;
}

/* How many whole words of ASCII `p` begins with, in bytes. */
static size_t ascii_words(const uint8_t *p, size_t len)
{
	size_t n = 0;
	uint64_t word;

	for (; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, p + n, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return n;
}

bool text_is_utf8(const void *p, size_t len)
{
	const uint8_t *at = p;
	uint32_t c;

	/* Nearly all text is ASCII: a word at a time. */
	for (size_t n; len; at += n, len -= n) {
		n = ascii_words(at, len);
		if (n)
			continue;
		n = *at < 0x80 ? 1 : text_decode(at, len, &c);
		if (!n)
			return false;
	}
	return true;
}

size_t text_whole_chars(const void *p, size_t len)
{
	const uint8_t *at = p;

	for (size_t back = 1; back <= 3 && back <= len; back++) {
		uint8_t byte = at[len - back];

		if ((byte & 0xc0) == 0x80)
			continue;
		return char_len(byte) > back ? len - back : len;
	}
	return len;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Not a control character, but it moves or hides what stands around it. */
static bool is_trick(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x061c || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

bool text_is_readable(const void *p, size_t len)
{
	const uint8_t *at = p;
	uint32_t c;

	for (size_t n; len; at += n, len -= n) {
		n = text_decode(at, len, &c);
		if (!n || (is_control(c) && c != '\n' && c != '\t' && c != '\r'))
			return false;
	}
	return true;
}

static int append_blanks(struct buf *out, unsigned cnt)
{
	int r = 0;

	while (cnt-- && !r)
		r = buf_append_byte(out, ' ');
	return r;
}

/* One character that does not stand for itself. */
static int append_escape(struct buf *out, uint32_t c)
{
	switch (c) {
	case '\n':
		return buf_append_str(out, "\\n");
	case '\r':
		return buf_append_str(out, "\\r");
	case '\t':
		return buf_append_str(out, "\\t");
	}
	return buf_printf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", c);
}

/* Appends what is at `p`; returns how many bytes that took, or a negative errno. */
static int64_t escape_one(struct buf *out, const uint8_t *p, size_t len, enum text_form form,
			  unsigned indent)
{
	uint32_t c = 0;
	size_t n = text_decode(p, len, &c);
	int r;

	if (!n) {
		r = buf_printf(out, "\\x%02x", *p);
		n = 1;
	} else if (form == TEXT_BODY && c == '\n') {
		r = buf_append_byte(out, '\n');
		if (!r && len > 1)
			r = append_blanks(out, indent);
	} else if ((is_control(c) && !(form == TEXT_BODY && c == '\t')) || is_trick(c)) {
		r = append_escape(out, c);
	} else {
		r = buf_append(out, p, n);
	}
	return r < 0 ? r : (int64_t)n;
}

int text_escape(struct buf *out, struct str s, enum text_form form, unsigned indent)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t start = 0, i = 0;
	int r;

	/* Runs of plain ASCII go in one piece. */
	while (i < s.len) {
		int64_t n;

		if (p[i] >= 0x20 && p[i] < 0x7f) {
			i++;
			continue;
		}
		r = buf_append(out, p + start, i - start);
		if (r < 0)
			return r;
		n = escape_one(out, p + i, s.len - i, form, indent);
		if (n < 0)
			return (int)n;
		i += (size_t)n;
		start = i;
	}
	return buf_append(out, p + start, i - start);
}

static int hex_line(struct buf *out, const uint8_t *data, size_t len, uint64_t off)
{
	char hex[16 * 3 + 2], ascii[17];
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		static const char digits[] = "0123456789abcdef";

		if (i == 8)
			hex[at++] = ' ';
		hex[at++] = i < len ? digits[data[i] >> 4] : ' ';
		hex[at++] = i < len ? digits[data[i] & 15] : ' ';
		hex[at++] = ' ';
		if (i < len)
			ascii[i] = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
	}
	return buf_printf(out, "%08llx  %.*s |%.*s|\n", (unsigned long long)off, (int)at, hex,
			  (int)len, ascii);
}

int text_hex_dump(struct buf *out, const uint8_t *data, size_t len, uint64_t off, unsigned indent)
{
	for (size_t i = 0; i < len; i += 16) {
		int r = append_blanks(out, indent);

		if (!r)
			r = hex_line(out, data + i, len - i < 16 ? len - i : 16, off + i);
		if (r < 0)
			return r;
	}
	return 0;
}

int text_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return buf_printf(out, "%u B", (unsigned)bytes);
	while (size >= 1023.95 && unit < 3) {
		size /= 1024;
		unit++;
	}
	return buf_printf(out, "%.1f %s", size, units[unit]);
}

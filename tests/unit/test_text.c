// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tap.h"

static bool utf8(const char *s, size_t len)
{
	void *p = guarded_copy(s, len);
	bool good = text_is_utf8(p, len);

	guarded_free(p, len);
	return good;
}

#define UTF8(lit) utf8(lit, sizeof(lit) - 1)

static void test_utf8_is_strict(void)
{
	OK(UTF8(""));
	OK(UTF8("plain"));
	OK(UTF8("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"));
	OK(UTF8("\xf4\x8f\xbf\xbf"));
	OK(!UTF8("\xf4\x90\x80\x80"));
	OK(!UTF8("\xc0\xaf"));
	OK(!UTF8("\xe0\x80\xaf"));
	OK(!UTF8("\xf0\x80\x80\xaf"));
	OK(!UTF8("\xed\xa0\x80"));
	OK(UTF8("\xed\x9f\xbf"));
	OK(!UTF8("\x80"));
	OK(!UTF8("\xff"));
	OK(!UTF8("\xe2\x82"));
	OK(!UTF8("\xf0\x9f\x98"));
	OK(!UTF8("\xc3("));
}

static void test_whole_chars(void)
{
	INT_EQ(text_whole_chars("ab\xe2\x82", 4), 2);
	INT_EQ(text_whole_chars("ab\xe2\x82\xac", 5), 5);
	INT_EQ(text_whole_chars("ab\xf0", 3), 2);
	INT_EQ(text_whole_chars("ab\x80\x80\x80", 5), 5);
	INT_EQ(text_whole_chars("ab\xff", 3), 3);
	INT_EQ(text_whole_chars("", 0), 0);
}

static void test_readable(void)
{
	OK(text_is_readable("a\r\n\tb", 5));
	OK(!text_is_readable("a\0b", 3));
	OK(!text_is_readable("a\x1b[2J", 5));
	OK(!text_is_readable("\xc2\x9b", 2));
	OK(!text_is_readable("\xff\xfe", 2));
}

static void check_escape(struct str in, enum text_form form, const char *want)
{
	char *guarded = guarded_copy(in.p, in.len);
	struct buf out;

	buf_init(&out, 4096);
	INT_EQ(text_escape(&out, str_make(guarded, in.len), form, 2), 0);
	BYTES_EQ(out.data, out.len, want, strlen(want));
	buf_done(&out);
	guarded_free(guarded, in.len);
}

static void test_escape(void)
{
	check_escape(STR_LIT("hello"), TEXT_LINE, "hello");
	check_escape(STR_LIT("\x1b]0;x\x07"), TEXT_LINE, "\\x1b]0;x\\x07");
	check_escape(STR_LIT("a\0b\x7f"), TEXT_LINE, "a\\x00b\\x7f");
	check_escape(STR_LIT("a\nb\tc\rd"), TEXT_LINE, "a\\nb\\tc\\rd");
	check_escape(STR_LIT("a\nb\tc\rd\n"), TEXT_BODY, "a\n  b\tc\\rd\n");
	check_escape(STR_LIT("\xc2\x9b"
			     "31m"),
		     TEXT_BODY, "\\u{9b}31m");
	check_escape(STR_LIT("\x9b"), TEXT_BODY, "\\x9b");
	check_escape(STR_LIT("x\xe2\x80\xaey\xe2\x81\xa6z"), TEXT_BODY, "x\\u{202e}y\\u{2066}z");
	check_escape(STR_LIT("gr\xc3\xbc\xc3\x9f"), TEXT_LINE, "gr\xc3\xbc\xc3\x9f");
	check_escape(STR_LIT("cut\xe2\x82"), TEXT_LINE, "cut\\xe2\\x82");
}

/* Whatever comes in, nothing comes out that a terminal obeys. */
static void test_escape_of_everything(void)
{
	bool good = true;
	struct buf out;

	buf_init(&out, 1 << 20);
	srand(1);
	for (int round = 0; round < 2000; round++) {
		char in[64];

		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = (char)(rand() % 3 ? rand() : 0xe0 + rand() % 3);
		buf_reset(&out);
		good &= text_escape(&out, str_make(in, sizeof(in)), TEXT_LINE, 0) == 0;
		good &= text_is_readable(out.data, out.len) && !memchr(out.data, '\n', out.len) &&
			!memchr(out.data, '\r', out.len) && !memchr(out.data, '\t', out.len);
	}
	OK_MSG(good, "2000 random inputs leave no control character");
	buf_done(&out);
}

static void test_hex_dump(void)
{
	static const char want[] =
		"  00000010  00 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 7f  "
		"|.ABCDEFGHIJKLMN.|\n"
		"  00000020  ff                                                |.|\n";
	struct buf out;

	buf_init(&out, 4096);
	INT_EQ(text_hex_dump(&out, (const uint8_t *)"\0ABCDEFGHIJKLMN\x7f\xff", 17, 16, 2), 0);
	BYTES_EQ(out.data, out.len, want, sizeof(want) - 1);
	buf_done(&out);
}

static void test_size(void)
{
	struct buf out;

	buf_init(&out, 4096);
	text_size(&out, 1023);
	buf_append_byte(&out, ' ');
	text_size(&out, 1024);
	buf_append_byte(&out, ' ');
	text_size(&out, 1024 * 1024 - 1);
	BYTES_EQ(out.data, out.len, "1023 B 1.0 KiB 1.0 MiB", 22);
	buf_done(&out);
}

int main(void)
{
	RUN(test_utf8_is_strict);
	RUN(test_whole_chars);
	RUN(test_readable);
	RUN(test_escape);
	RUN(test_escape_of_everything);
	RUN(test_hex_dump);
	RUN(test_size);
	return tap_done();
}

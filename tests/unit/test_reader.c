// SPDX-License-Identifier: BSD-2-Clause
#include "base/reader.h"
#include "tap.h"

static void test_reads_to_the_end_and_no_further(void)
{
	uint8_t bytes[7] = { 1, 2, 0, 3, 0, 0, 0 };
	uint8_t *at = guarded_copy(bytes, sizeof(bytes));
	struct reader r;

	reader_init(&r, at, sizeof(bytes));
	INT_EQ(reader_u8(&r), 1);
	INT_EQ(reader_u16(&r), 2);
	INT_EQ(reader_u32(&r), 3);
	INT_EQ(reader_left(&r), 0);
	OK(reader_ok(&r));
	INT_EQ(reader_u8(&r), 0);
	OK(!reader_ok(&r));
	guarded_free(at, sizeof(bytes));
}

static void test_stays_poisoned(void)
{
	struct reader r;

	reader_init(&r, "abc", 3);
	reader_seek(&r, 4);
	OK(!reader_ok(&r));
	OK(reader_bytes(&r, 1) == NULL);
	OK(reader_bytes(&r, 0) == NULL);
	INT_EQ(reader_left(&r), 0);
}

static void test_c_string_must_end(void)
{
	char *at = guarded_copy("ab\0cd", 5);
	struct reader r;
	struct str s;

	reader_init(&r, at, 5);
	s = reader_c_string(&r);
	BYTES_EQ(s.p, s.len, "ab", 2);
	reader_c_string(&r);
	OK(!reader_ok(&r));
	guarded_free(at, 5);
}

int main(void)
{
	RUN(test_reads_to_the_end_and_no_further);
	RUN(test_stays_poisoned);
	RUN(test_c_string_must_end);
	return tap_done();
}

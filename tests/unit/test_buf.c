// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/buf.h"
#include "tap.h"

static void test_append_up_to_max(void)
{
	struct buf b;

	buf_init(&b, 5);
	INT_EQ(buf_append(&b, "abc", 3), 0);
	INT_EQ(buf_append(&b, "def", 3), -ENOBUFS);
	INT_EQ(b.len, 3);
	INT_EQ(buf_append_cut(&b, "def", 3), 2);
	BYTES_EQ(b.data, b.len, "abcde", 5);
	INT_EQ(buf_append_cut(&b, "x", 1), 0);
	buf_done(&b);
	INT_EQ(b.max, 5);
}

static void test_consume(void)
{
	struct buf b;

	buf_init(&b, 100);
	INT_EQ(buf_append_str(&b, "hello world"), 0);
	buf_consume(&b, 6);
	BYTES_EQ(b.data, b.len, "world", 5);
	buf_consume(&b, 99);
	INT_EQ(b.len, 0);
	buf_done(&b);
}

static void test_printf_needs_room_for_its_nul(void)
{
	struct buf b;

	buf_init(&b, 4);
	INT_EQ(buf_printf(&b, "%d", 1234), -ENOBUFS);
	INT_EQ(b.len, 0);
	INT_EQ(buf_printf(&b, "%d", 123), 0);
	BYTES_EQ(b.data, b.len, "123", 3);
	buf_done(&b);
}

int main(void)
{
	RUN(test_append_up_to_max);
	RUN(test_consume);
	RUN(test_printf_needs_room_for_its_nul);
	return tap_done();
}

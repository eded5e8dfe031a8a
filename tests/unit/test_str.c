// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/str.h"
#include "tap.h"

static void test_numbers(void)
{
	uint64_t n = 42;

	INT_EQ(str_to_u64(STR_LIT("123"), 10, &n), 0);
	INT_EQ(n, 123);
	INT_EQ(str_to_u64(STR_LIT("fF"), 16, &n), 0);
	INT_EQ(n, 255);
	INT_EQ(str_to_u64(STR_LIT(""), 10, &n), -EINVAL);
	INT_EQ(str_to_u64(STR_LIT("-1"), 10, &n), -EINVAL);
	INT_EQ(str_to_u64(STR_LIT(" 1"), 10, &n), -EINVAL);
	INT_EQ(str_to_u64(STR_LIT("1a"), 10, &n), -EINVAL);
	INT_EQ(str_to_u64(STR_LIT("18446744073709551615"), 10, &n), 0);
	OK(n == UINT64_MAX);
	INT_EQ(str_to_u64(STR_LIT("18446744073709551616"), 10, &n), -ERANGE);
	OK_MSG(n == UINT64_MAX, "failure leaves the output alone");
}

static void test_number_after(void)
{
	uint64_t n = 42;

	OK(str_number_after(STR_LIT("Uid:\t1000\t0"), STR_LIT("Uid:"), &n) && n == 1000);
	OK(str_number_after(STR_LIT("a 7"), STR_LIT("a"), &n) && n == 7);
	OK(!str_number_after(STR_LIT("Gid:\t1"), STR_LIT("Uid:"), &n));
	OK(!str_number_after(STR_LIT("Uid:"), STR_LIT("Uid:"), &n));
	OK(!str_number_after(STR_LIT("Uid:\t-1"), STR_LIT("Uid:"), &n));
	OK(!str_number_after(STR_LIT("Uid:\t18446744073709551616"), STR_LIT("Uid:"), &n));
	OK(n == 7);
}

static void test_sizes(void)
{
	uint64_t n;

	INT_EQ(str_to_size(STR_LIT("4k"), &n), 0);
	INT_EQ(n, 4096);
	INT_EQ(str_to_size(STR_LIT("2M"), &n), 0);
	INT_EQ(n, 2 << 20);
	INT_EQ(str_to_size(STR_LIT("17"), &n), 0);
	INT_EQ(n, 17);
	INT_EQ(str_to_size(STR_LIT("K"), &n), -EINVAL);
	INT_EQ(str_to_size(STR_LIT("99999999999G"), &n), -ERANGE);
}

static void test_parts(void)
{
	struct str rest = STR_LIT("a,,b"), part;

	OK(str_next_part(&rest, ',', &part) && str_eq(part, STR_LIT("a")));
	OK(str_next_part(&rest, ',', &part) && part.len == 0);
	OK(str_next_part(&rest, ',', &part) && str_eq(part, STR_LIT("b")));
	OK(!str_next_part(&rest, ',', &part));
}

static void test_comparisons(void)
{
	OK(str_eq_nocase(STR_LIT("Content-Length"), STR_LIT("content-lENGTH")));
	OK(!str_eq_nocase(STR_LIT("a"), STR_LIT("ab")));
	OK(!str_eq_nocase(STR_LIT("@"), STR_LIT("`")));
	OK(str_starts_with(STR_LIT("HTTP/1.1"), STR_LIT("HTTP/")));
	OK(str_eq(str_trim(STR_LIT(" \ta b\t ")), STR_LIT("a b")));
	OK(str_eq((struct str){ 0 }, STR_LIT("")));
}

int main(void)
{
	RUN(test_numbers);
	RUN(test_number_after);
	RUN(test_sizes);
	RUN(test_parts);
	RUN(test_comparisons);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cidr.h"
#include "tap.h"

static struct cidr net;

static int parse(const char *text)
{
	size_t len = strlen(text);
	char *copy = guarded_copy(text, len);
	int r = cidr_parse(str_make(copy, len), &net);

	guarded_free(copy, len);
	return r;
}

/* IPv4 as the kernel side gives it. */
static bool has(const char *address)
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	if (strchr(address, ':'))
		inet_pton(AF_INET6, address, bytes);
	else
		inet_pton(AF_INET, address, bytes + 12);
	return cidr_contains(&net, bytes);
}

static void test_v4(void)
{
	INT_EQ(parse("10.0.0.5"), 0);
	INT_EQ(net.bit_cnt, 128);
	OK(has("10.0.0.5") && has("::ffff:10.0.0.5"));
	OK(!has("10.0.0.4") && !has("::10.0.0.5"));
	INT_EQ(parse("10.1.2.3/8"), 0);
	INT_EQ(net.bit_cnt, 104);
	OK(has("10.0.0.0") && has("10.255.255.255"));
	OK(!has("11.0.0.0") && !has("9.255.255.255"));
	INT_EQ(parse("192.168.4.0/22"), 0);
	OK(has("192.168.4.0") && has("192.168.7.255"));
	OK(!has("192.168.3.255") && !has("192.168.8.0"));
	INT_EQ(parse("192.168.4.1/31"), 0);
	OK(has("192.168.4.0") && has("192.168.4.1") && !has("192.168.4.2"));
	INT_EQ(parse("0.0.0.0/0"), 0);
	OK(has("255.255.255.255") && has("0.0.0.0") && !has("::1"));
}

static void test_v6(void)
{
	INT_EQ(parse("::1"), 0);
	OK(has("::1") && !has("::2") && !has("127.0.0.1"));
	INT_EQ(parse("2001:db8::/33"), 0);
	OK(has("2001:db8:7fff::1") && !has("2001:db8:8000::1") && !has("2001:db9::"));
	INT_EQ(parse("fe80::/10"), 0);
	OK(has("febf::1") && !has("fec0::1"));
	INT_EQ(parse("::/0"), 0);
	OK(has("::1") && has("127.0.0.1"));
	INT_EQ(parse("2001:db8::1/128"), 0);
	OK(has("2001:db8::1") && !has("2001:db8::"));
}

static void test_bad(void)
{
	static const char *const no_address[] = {
		"",
		"/8",
		"x",
		"10.0.0",
		"10.0.0.256",
		"10.0.0.1.2",
		"localhost",
		"::1%lo",
		"[::1]",
		" 10.0.0.1",
		"10.0.0.1 ",
		"1:2:3:4:5:6:7:8:9",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	static const char *const no_length[] = {
		"10.0.0.1/",
		"10.0.0.1/33",
		"10.0.0.1/-1",
		"10.0.0.1/8/8",
		"10.0.0.1/x",
		"::/129",
		"::/99999999999999999999",
		"10.0.0.1/ 8",
	};

	net.bit_cnt = 77;
	for (size_t i = 0; i < sizeof(no_address) / sizeof(*no_address); i++)
		OK_MSG(parse(no_address[i]) == -EINVAL, "'%s'", no_address[i]);
	for (size_t i = 0; i < sizeof(no_length) / sizeof(*no_length); i++)
		OK_MSG(parse(no_length[i]) == -ERANGE, "'%s'", no_length[i]);
	INT_EQ(cidr_parse(STR_LIT("10.0.0.1\0x"), &net), -EINVAL);
	INT_EQ(net.bit_cnt, 77);
}

int main(void)
{
	RUN(test_v4);
	RUN(test_v6);
	RUN(test_bad);
	return tap_done();
}

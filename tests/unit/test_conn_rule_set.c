// SPDX-License-Identifier: BSD-2-Clause
/* The rules of abi/conn_filter.h, by the very code that the kernel side runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "attach/conn_rule_set.h"
#include "base/cidr.h"
#include "tap.h"

static struct conn_rules rules;

static void begin(void)
{
	rules = (struct conn_rules){ 0 };
}

static void port(uint16_t number, enum conn_wish wish)
{
	INT_EQ(conn_rules_add_port(&rules, number, wish), 0);
}

static void host(const char *text, enum conn_wish wish)
{
	struct cidr net;

	INT_EQ(cidr_parse(str_from(text), &net), 0);
	INT_EQ(conn_rules_add_host(&rules, &net, wish), 0);
}

static void take(const char *text, uint32_t ret[4])
{
	struct cidr net;

	cidr_parse(str_from(text), &net);
	memcpy(ret, net.address, 16);
}

static bool asks(const char *local, uint32_t local_port, const char *remote, uint32_t remote_port)
{
	struct conn_ends ends = { .ports = { local_port, remote_port } };

	take(local, ends.addresses[0]);
	take(remote, ends.addresses[1]);
	return conn_rules_let_in(&rules, &ends);
}

static void test_empty(void)
{
	begin();
	OK(conn_rules_is_empty(&rules));
	OK(asks("10.0.0.1", 1, "10.0.0.2", 2));
	OK(conn_rules_let_in(&rules, NULL));
}

static void test_ports(void)
{
	begin();
	port(443, CONN_WANTED);
	port(8443, CONN_WANTED);
	OK(asks("10.0.0.1", 50000, "10.0.0.2", 443));
	OK(asks("10.0.0.1", 443, "10.0.0.2", 50000));
	OK(asks("::1", 50000, "::1", 8443));
	OK(!asks("10.0.0.1", 50000, "10.0.0.2", 80));
	/* Zero is no port of a rule that is not there. */
	OK(!asks("10.0.0.1", 0, "10.0.0.2", 0));
	OK(!conn_rules_let_in(&rules, NULL));
	begin();
	port(443, CONN_REFUSED);
	OK(!asks("10.0.0.1", 50000, "10.0.0.2", 443));
	OK(asks("10.0.0.1", 50000, "10.0.0.2", 444));
	OK(conn_rules_let_in(&rules, NULL));
}

static void test_hosts(void)
{
	begin();
	host("10.0.0.0/8", CONN_WANTED);
	host("2001:db8::/32", CONN_WANTED);
	OK(asks("192.168.0.1", 1, "10.200.0.1", 2));
	OK(asks("10.200.0.1", 1, "192.168.0.1", 2));
	OK(asks("::1", 1, "2001:db8::7", 2));
	OK(!asks("192.168.0.1", 1, "11.0.0.1", 2));
	OK(!asks("::1", 1, "2001:db9::7", 2));
	OK(asks("::ffff:10.0.0.1", 1, "::1", 2));
	OK(!conn_rules_let_in(&rules, NULL));
	/* A part of it is refused: that is stronger, whichever is longer. */
	host("10.1.0.0/16", CONN_REFUSED);
	OK(asks("10.2.0.1", 1, "10.3.0.1", 2));
	OK(!asks("10.2.0.1", 1, "10.1.0.1", 2));
	begin();
	host("10.1.0.0/16", CONN_WANTED);
	host("10.0.0.0/8", CONN_REFUSED);
	OK(!asks("10.1.0.1", 1, "10.1.0.2", 2));
	begin();
	host("0.0.0.0/0", CONN_REFUSED);
	OK(!asks("1.2.3.4", 1, "5.6.7.8", 2));
	OK(asks("::1", 1, "::1", 2));
	begin();
	host("::/0", CONN_WANTED);
	OK(asks("1.2.3.4", 1, "::1", 2));
}

static void test_both(void)
{
	begin();
	port(443, CONN_WANTED);
	host("10.0.0.1", CONN_WANTED);
	OK(asks("10.0.0.1", 50000, "10.0.0.2", 443));
	OK(!asks("10.0.0.1", 50000, "10.0.0.2", 444));
	OK(!asks("10.0.0.3", 50000, "10.0.0.2", 443));
	port(22, CONN_REFUSED);
	OK(!asks("10.0.0.1", 22, "10.0.0.2", 443));
}

static void test_full(void)
{
	struct cidr net;

	begin();
	for (unsigned i = 1; i <= CONN_RULE_MAX; i++) {
		port((uint16_t)i, CONN_WANTED);
		host("10.0.0.1", CONN_REFUSED);
	}
	INT_EQ(conn_rules_add_port(&rules, 7, CONN_WANTED), -ENOSPC);
	cidr_parse(STR_LIT("::1"), &net);
	INT_EQ(conn_rules_add_host(&rules, &net, CONN_WANTED), -ENOSPC);
	OK(asks("10.0.0.2", CONN_RULE_MAX, "10.0.0.2", 50000));
	OK(!asks("10.0.0.1", CONN_RULE_MAX, "10.0.0.2", 50000));
	OK(!conn_rules_is_empty(&rules));
}

int main(void)
{
	RUN(test_empty);
	RUN(test_ports);
	RUN(test_hosts);
	RUN(test_both);
	RUN(test_full);
	return tap_done();
}

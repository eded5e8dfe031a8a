// SPDX-License-Identifier: BSD-2-Clause
/* Descriptions of connections: from the record to words, and into struct connection. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collect/collect.h"
#include "collect/conn_info_record.h"
#include "model/counters.h"
#include "model/process.h"
#include "tap.h"

static struct rec_address ipv4(const char *text, uint16_t port)
{
	struct rec_address a = { .family = AF_INET, .port = port, .len = 4 };

	inet_pton(AF_INET, text, a.bytes);
	return a;
}

static struct rec_address ipv6(const char *text, uint16_t port)
{
	struct rec_address a = { .family = AF_INET6, .port = port, .len = 16 };

	inet_pton(AF_INET6, text, a.bytes);
	return a;
}

static struct rec_address unix_path(const char *path, uint32_t len)
{
	struct rec_address a = { .family = AF_UNIX, .len = len };

	memcpy(a.bytes, path, len);
	return a;
}

static struct rec_conn_info sample(void)
{
	return (struct rec_conn_info){
		.head = { REC_CONN_INFO, sizeof(struct rec_conn_info), 500 },
		.conn = 0xabc,
		.pid = 10,
		.tid = 11,
		.target = 3,
		.known = CONN_KNOWS_ROLE | CONN_KNOWS_VERSION | CONN_KNOWS_CIPHER |
			 CONN_KNOWS_ALPN | CONN_KNOWS_SERVER_NAME,
		.local = ipv4("10.0.0.5", 51234),
		.remote = ipv6("2001:db8::1", 443),
		.version = 0x0304,
		.cipher = 0x1301,
		.alpn_len = 2,
		.alpn = "h2",
		.server_name = "api.example.com",
	};
}

static void test_all_of_it(void)
{
	struct rec_conn_info r = sample();
	struct conn_info info;

	OK(conn_info_record_read(&r, &info));
	INT_EQ(info.conn_key, 0xabc);
	INT_EQ(info.pid, 10);
	INT_EQ(info.tid, 11);
	INT_EQ(info.library, 3);
	INT_EQ(info.role, CONN_ROLE_CLIENT);
	C_STR_EQ(info.local, "10.0.0.5:51234");
	C_STR_EQ(info.remote, "[2001:db8::1]:443");
	C_STR_EQ(info.version, "TLS 1.3");
	C_STR_EQ(info.cipher, "TLS_AES_128_GCM_SHA256");
	C_STR_EQ(info.alpn, "h2");
	C_STR_EQ(info.sni, "api.example.com");
	r.is_server = 1;
	OK(conn_info_record_read(&r, &info));
	INT_EQ(info.role, CONN_ROLE_SERVER);
}

/* What is not known stays unknown, whatever stands in its field. */
static void test_nothing_known(void)
{
	struct rec_conn_info r = sample();
	struct conn_info info;

	r.known = 0;
	r.local = r.remote = (struct rec_address){ 0 };
	OK(conn_info_record_read(&r, &info));
	INT_EQ(info.role, CONN_ROLE_UNKNOWN);
	C_STR_EQ(info.local, "");
	C_STR_EQ(info.remote, "");
	C_STR_EQ(info.version, "");
	C_STR_EQ(info.cipher, "");
	C_STR_EQ(info.alpn, "");
	C_STR_EQ(info.sni, "");
}

static void check_address(struct rec_address a, const char *want)
{
	struct rec_conn_info r = sample();
	struct conn_info info;

	r.local = a;
	OK(conn_info_record_read(&r, &info));
	C_STR_EQ(info.local, want);
}

static void test_addresses(void)
{
	char path[REC_UNIX_PATH_MAX], want[REC_UNIX_PATH_MAX + 6];

	check_address(ipv4("0.0.0.0", 0), "0.0.0.0:0");
	check_address(ipv4("255.255.255.255", 65535), "255.255.255.255:65535");
	check_address(ipv6("::1", 8443), "[::1]:8443");
	check_address(ipv6("::", 1), "[::]:1");
	check_address(ipv6("::ffff:192.0.2.7", 443), "192.0.2.7:443");
	check_address(ipv6("1:2:3:4:5:6:7:8", 1), "[1:2:3:4:5:6:7:8]:1");
	check_address(unix_path("", 0), "unix:");
	check_address(unix_path("/run/a.sock", 12), "unix:/run/a.sock");
	check_address(unix_path("\0name", 5), "unix:@name");
	check_address(unix_path("\0a\0b", 4), "unix:@a@b");
	memset(path, 'p', sizeof(path));
	snprintf(want, sizeof(want), "unix:%.*s", (int)sizeof(path), path);
	check_address(unix_path(path, sizeof(path)), want);
}

static void refused(const char *what, const struct rec_conn_info *r)
{
	struct conn_info info;

	OK_MSG(!conn_info_record_read(r, &info), "%s", what);
}

static void test_broken_records(void)
{
	struct rec_conn_info r = sample();

	r.head.size--;
	refused("another size", &r);
	r = sample();
	r.pid = 0;
	refused("no process", &r);
	r = sample();
	r.alpn_len = REC_ALPN_MAX + 1;
	refused("a protocol beyond the field", &r);
	r = sample();
	memset(r.server_name, 'n', sizeof(r.server_name));
	refused("a name without its end", &r);
	r = sample();
	r.local.family = AF_NETLINK;
	refused("a family that is none", &r);
	r = sample();
	r.remote.len = 4;
	refused("a short IPv6 address", &r);
	r = sample();
	r.local.len = 16;
	refused("a long IPv4 address", &r);
	r = sample();
	r.remote = unix_path("", 0);
	r.remote.len = REC_UNIX_PATH_MAX + 1;
	refused("a path beyond the field", &r);
}

static struct conn_info last;
static unsigned told;

static void take_info(void *user, const struct conn_info *info)
{
	last = *info;
	told++;
}

/* Wherever the ring's end cuts it. */
static void test_through_the_collector(void)
{
	static const struct collect_ops ops = { .conn_info = take_info };
	struct rec_conn_info rec = sample();
	const uint8_t *bytes = (const uint8_t *)&rec;
	struct counters counters = { 0 };
	struct collector c;

	collector_init(&c, &ops, NULL, &counters);
	c.wall_offset_ns = 1000;
	for (size_t seam = 0; seam <= sizeof(rec); seam++) {
		uint8_t *first = guarded_copy(bytes, seam);
		uint8_t *second = guarded_copy(bytes + seam, sizeof(rec) - seam);
		struct ring_record r = { first, seam, second, sizeof(rec) - seam };

		memset(&last, 0, sizeof(last));
		collect_record(&c, &r);
		if (last.ts_ns != 1500 || strcmp(last.sni, "api.example.com") != 0)
			OK_MSG(false, "cut at %zu", seam);
		r.second_len -= r.second_len ? 1 : 0;
		r.first_len -= r.second_len || seam < sizeof(rec) ? 0 : 1;
		collect_record(&c, &r);
		guarded_free(first, seam);
		guarded_free(second, sizeof(rec) - seam);
	}
	INT_EQ(told, sizeof(rec) + 1);
	INT_EQ(counters.collect.records, sizeof(rec) + 1);
	INT_EQ(counters.collect.records_invalid, sizeof(rec) + 1);
}

static struct connection *fresh(void)
{
	struct process *p = process_new(10);
	struct connection *c = connection_new(1, p);

	process_unref(p);
	return c;
}

static void test_a_connection_learns(void)
{
	struct conn_info first = { .version = "TLS 1.3" };
	struct conn_info second = { .role = CONN_ROLE_SERVER,
				    .local = "1.2.3.4:5",
				    .version = "TLS 1.2",
				    .cipher = "C",
				    .sni = "s",
				    .alpn = "a" };
	struct conn_info third = { .local = "6.7.8.9:1", .remote = "6.7.8.9:2" };
	struct connection *c = fresh();

	INT_EQ(connection_describe(c, &first), 0);
	C_STR_EQ(c->tls_version, "TLS 1.3");
	OK(!c->local && !c->remote && !c->sni && !c->alpn && !c->tls_cipher);
	INT_EQ(c->role, CONN_ROLE_UNKNOWN);
	INT_EQ(connection_describe(c, &second), 0);
	C_STR_EQ(c->tls_version, "TLS 1.3");
	C_STR_EQ(c->tls_cipher, "C");
	C_STR_EQ(c->sni, "s");
	C_STR_EQ(c->alpn, "a");
	C_STR_EQ(c->local, "1.2.3.4:5");
	OK(!c->remote);
	INT_EQ(c->role, CONN_ROLE_SERVER);
	INT_EQ(connection_describe(c, &third), 0);
	C_STR_EQ(c->local, "1.2.3.4:5");
	OK_MSG(!c->remote, "never two halves of different sockets");
	connection_unref(c);
}

static void test_without_memory(void)
{
	struct conn_info info = {
		.local = "l", .remote = "r", .version = "v", .cipher = "c", .sni = "s", .alpn = "a"
	};

	for (long n = 1; n <= 6; n++) {
		struct connection *c = fresh();

		fail_alloc_at(n);
		OK_MSG(connection_describe(c, &info) < 0, "allocation %ld fails", n);
		fail_alloc_at(0);
		connection_unref(c);
	}
}

int main(void)
{
	RUN(test_all_of_it);
	RUN(test_nothing_known);
	RUN(test_addresses);
	RUN(test_broken_records);
	RUN(test_through_the_collector);
	RUN(test_a_connection_learns);
	RUN(test_without_memory);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/layout.bpf.h, seek.bpf.h and describe.bpf.h: from a library's object to
 * its descriptor, and what is told of the connection. The programs run in this process: its
 * descriptors and its memory are what they look at.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/privilege.h"
#include "bpf_run.h"
#include "collect/ring.h"
#include "conn_record.h"
#include "describe_test.skel.h"
#include "fake_object.h"
#include "socket_ends.h"
#include "tap.h"

enum { RING_SIZE = 1 << 14, TARGET = 5, UNKNOWN_MAX = 40, SEEK_CALLS = 16 };

static struct describe_test_bpf *skel;
static struct ring *ring;
static struct rec_conn_info seen;
static size_t seen_cnt;

static struct fake_method socket_method = { 0x0505 }, filter_method = { 0x0209 };
static struct fake_bio bio;
static uint8_t cipher[64];
static struct fake_session session;
static struct fake_ssl ssl;
static struct fake_more more;
static int tcp[2]; /* connected ends */

static struct layout_place at(size_t step, uint8_t len)
{
	return (struct layout_place){ 1, len, { (uint16_t)step } };
}

static struct layout_place through(size_t first, size_t second, uint8_t len)
{
	return (struct layout_place){ 2, len, { (uint16_t)first, (uint16_t)second } };
}

static struct conn_layout fake_layout(void)
{
	struct conn_layout l = { .type_value = 7,
				 .type_offset = offsetof(struct fake_ssl, type),
				 .has_type = 1 };
	struct layout_place *p = l.places;

	p[LAYOUT_RBIO] = at(offsetof(struct fake_ssl, rbio), 8);
	p[LAYOUT_WBIO] = at(offsetof(struct fake_ssl, wbio), 8);
	p[LAYOUT_VERSION] = at(offsetof(struct fake_ssl, version), 4);
	p[LAYOUT_IS_SERVER] = at(offsetof(struct fake_ssl, is_server), 4);
	p[LAYOUT_ALPN] = at(offsetof(struct fake_ssl, alpn), 8);
	p[LAYOUT_ALPN_LEN] = at(offsetof(struct fake_ssl, alpn_len), 4);
	p[LAYOUT_CIPHER] = through(offsetof(struct fake_ssl, session),
				   offsetof(struct fake_session, cipher), 8);
	p[LAYOUT_SERVER_NAME] = at(offsetof(struct fake_ssl, server_name), 8);
	p[LAYOUT_SESSION_NAME] = through(offsetof(struct fake_ssl, session),
					 offsetof(struct fake_session, name), 8);
	p[LAYOUT_CIPHER_ID] = at(24, 4);
	p[LAYOUT_BIO_TYPE] = through(offsetof(struct fake_bio, method), 0, 4);
	p[LAYOUT_BIO_INIT] = at(offsetof(struct fake_bio, init), 4);
	p[LAYOUT_BIO_NUM] = at(offsetof(struct fake_bio, num), 4);
	p[LAYOUT_BIO_NEXT] = at(offsetof(struct fake_bio, next), 8);
	p[LAYOUT_CLIENT_RANDOM] = at(offsetof(struct fake_ssl, client_random), 32);
	p[LAYOUT_SERVER_RANDOM] = through(offsetof(struct fake_ssl, more),
					  offsetof(struct fake_more, server_random), 32);
	return l;
}

static void fake_reset(void)
{
	uint32_t id = 0x03001301;

	memcpy(cipher + 24, &id, sizeof(id));
	session.cipher = cipher;
	bio = (struct fake_bio){ .method = &socket_method, .init = 1, .num = (uint32_t)tcp[0] };
	ssl = (struct fake_ssl){ .type = 7,
				 .version = 0x0304,
				 .rbio = &bio,
				 .wbio = &bio,
				 .alpn = "h2",
				 .alpn_len = 2,
				 .session = &session,
				 .server_name = "example.org",
				 .more = &more };
	memset(ssl.client_random, 'c', sizeof(ssl.client_random));
	memset(more.server_random, 's', sizeof(more.server_random));
}

static void open_side(void)
{
	struct conn_layout layout = fake_layout();
	uint32_t target = TARGET;

	skel = describe_test_bpf__open();
	if (!skel)
		abort();
	skel->rodata->ring_size = RING_SIZE;
	bpf_map__set_max_entries(skel->maps.ring, RING_SIZE);
	if (describe_test_bpf__load(skel) ||
	    ring_open(bpf_map__fd(skel->maps.ring), RING_SIZE, &ring) ||
	    bpf_map__update_elem(skel->maps.layouts, &target, sizeof(target), &layout,
				 sizeof(layout), 0))
		abort();
}

static void close_side(void)
{
	ring_close(ring);
	describe_test_bpf__destroy(skel);
}

static int64_t run(const struct bpf_program *prog, uint64_t dir, uint64_t len, int fd)
{
	uint64_t args[] = { (uint64_t)&ssl, dir, len, (uint64_t)fd };

	return bpf_run(prog, args, 4);
}

static void see(void *user, const struct ring_record *rec)
{
	seen_cnt++;
	OK(ring_record_copy(rec, 0, &seen, sizeof(seen)) == sizeof(seen) &&
	   seen.head.type == REC_CONN_INFO && seen.head.size == sizeof(seen));
}

static int64_t finish_call(uint64_t dir, uint64_t len)
{
	int64_t state = run(skel->progs.test_end, dir, len, 0);

	seen_cnt = 0;
	memset(&seen, 0, sizeof(seen));
	ring_drain(ring, 100, see, NULL);
	return state;
}

static void forget_conn(void)
{
	struct conn_key key = { .object = (uint64_t)&ssl, .pid = (uint32_t)getpid() };

	bpf_map__delete_elem(skel->maps.conns, &key, sizeof(key), 0);
}

/* The first call that moves bytes, of a fresh connection; the state afterwards. */
static int64_t first_call(uint64_t dir)
{
	forget_conn();
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 1);
	return finish_call(dir, 10);
}

static bool addresses_are_of(int fd)
{
	struct ends e = { seen.local, seen.remote };

	return are_ends(&e, fd);
}

static void test_an_object(void)
{
	fake_reset();
	forget_conn();
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 1);
	INT_EQ(finish_call(REC_SENT, 0), CONN_UNTOLD);
	INT_EQ(seen_cnt, 0);
	INT_EQ(first_call(REC_SENT), CONN_TOLD);
	INT_EQ(seen_cnt, 1);
	OK(addresses_are_of(tcp[0]));
	INT_EQ(seen.pid, getpid());
	INT_EQ(seen.target, TARGET);
	INT_EQ(seen.known, CONN_KNOWS_ROLE | CONN_KNOWS_VERSION | CONN_KNOWS_CIPHER |
				   CONN_KNOWS_ALPN | CONN_KNOWS_SERVER_NAME);
	INT_EQ(seen.version, 0x0304);
	INT_EQ(seen.cipher, 0x1301);
	INT_EQ(seen.is_server, 0);
	INT_EQ(seen.alpn_len, 2);
	OK(!memcmp(seen.alpn, "h2", 2));
	C_STR_EQ((const char *)seen.server_name, "example.org");
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 0);
}

static void test_a_server_with_little_to_say(void)
{
	fake_reset();
	ssl.is_server = 1;
	ssl.alpn = NULL;
	ssl.session = NULL;
	ssl.server_name = NULL;
	INT_EQ(first_call(REC_RECEIVED), CONN_TOLD);
	OK(addresses_are_of(tcp[0]));
	INT_EQ(seen.known, CONN_KNOWS_ROLE | CONN_KNOWS_VERSION);
	INT_EQ(seen.is_server, 1);
}

/* A session's name counts where the library leaves the connection's own empty. */
static void test_the_name_of_a_session(void)
{
	static const struct {
		uint32_t is_server, version;
		bool counts;
	} rows[] = {
		{ 1, 0x0303, true },  { 1, 0x0301, true },  { 1, 0x0304, false },
		{ 0, 0x0303, false }, { 1, 0xfefd, false }, { 1, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_reset();
		ssl.is_server = rows[i].is_server;
		ssl.version = rows[i].version;
		session.name = "session.example";
		first_call(REC_RECEIVED);
		C_STR_EQ((const char *)seen.server_name, "example.org");
		ssl.server_name = NULL;
		first_call(REC_RECEIVED);
		INT_EQ(!!(seen.known & CONN_KNOWS_SERVER_NAME), rows[i].counts);
		C_STR_EQ((const char *)seen.server_name, rows[i].counts ? "session.example" : "");
		session.name = NULL;
		first_call(REC_RECEIVED);
		OK(!(seen.known & CONN_KNOWS_SERVER_NAME));
	}
}

/* Each direction has a BIO of its own; it may stand behind filters. */
static void test_the_way_to_the_descriptor(void)
{
	struct fake_bio other = { .method = &socket_method, .init = 1, .num = (uint32_t)tcp[1] };
	struct fake_bio filters[5];

	fake_reset();
	ssl.wbio = &other;
	first_call(REC_SENT);
	OK(addresses_are_of(tcp[1]));
	first_call(REC_RECEIVED);
	OK(addresses_are_of(tcp[0]));
	for (int i = 0; i < 5; i++)
		filters[i] = (struct fake_bio){ .method = &filter_method,
						.next = i ? &filters[i - 1] : &bio };
	ssl.wbio = &filters[2];
	first_call(REC_SENT);
	OK_MSG(addresses_are_of(tcp[0]), "three filters in front");
	ssl.wbio = &filters[4];
	INT_EQ(first_call(REC_SENT), CONN_SEEKING);
	INT_EQ(seen.local.family, 0);
	filters[0].next = &filters[0];
	INT_EQ(first_call(REC_SENT), CONN_SEEKING);
	INT_EQ(seen.local.family, 0);
}

static void check_no_address(const char *why)
{
	int64_t state = first_call(REC_RECEIVED);

	OK_MSG(state == CONN_SEEKING && seen_cnt == 1 && !seen.local.family, "%s", why);
}

static void test_no_wrong_descriptor(void)
{
	struct fake_method memory = { 0x0401 }, listener = { 0x050d };
	int pipes[2];

	fake_reset();
	bio.init = 0;
	check_no_address("the descriptor is not set yet");
	bio.init = 1;
	bio.method = &memory;
	check_no_address("a memory BIO");
	bio.method = &listener;
	check_no_address("the one that listens");
	bio.method = (struct fake_method *)8;
	check_no_address("a method that cannot be read");
	ssl.rbio = NULL;
	check_no_address("no BIO");
	OK_MSG(seen.known & CONN_KNOWS_VERSION, "the rest is told all the same");
	if (pipe(pipes))
		abort();
	fake_reset();
	bio.num = (uint32_t)pipes[0];
	check_no_address("a pipe");
	close(pipes[0]);
	close(pipes[1]);
	check_no_address("a closed descriptor");
	bio.num = (uint32_t)-1;
	check_no_address("no descriptor");
	fake_reset();
	ssl.type = 8;
	check_no_address("an object of another type");
	INT_EQ(seen.known, 0);
}

static void test_texts_at_their_limits(void)
{
	static char name[REC_SERVER_NAME_MAX + 10], alpn[REC_ALPN_MAX + 1];

	fake_reset();
	memset(name, 'n', sizeof(name) - 1);
	memset(alpn, 'a', sizeof(alpn));
	ssl.server_name = name;
	ssl.alpn = alpn;
	ssl.alpn_len = REC_ALPN_MAX;
	first_call(REC_SENT);
	INT_EQ(seen.alpn_len, REC_ALPN_MAX);
	OK(!memcmp(seen.alpn, alpn, REC_ALPN_MAX));
	INT_EQ(strnlen((const char *)seen.server_name, REC_SERVER_NAME_MAX),
	       REC_SERVER_NAME_MAX - 1);
	ssl.alpn_len = REC_ALPN_MAX + 1;
	ssl.server_name = (const char *)8;
	first_call(REC_SENT);
	OK(!(seen.known & (CONN_KNOWS_ALPN | CONN_KNOWS_SERVER_NAME)));
	ssl.alpn_len = 0x80000000;
	first_call(REC_SENT);
	OK(!(seen.known & CONN_KNOWS_ALPN));
}

/* The object does not say its socket, but its thread receives from one during a later call. */
static void test_a_socket_seen(void)
{
	fake_reset();
	ssl.rbio = ssl.wbio = NULL;
	INT_EQ(first_call(REC_SENT), CONN_SEEKING);
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 1);
	INT_EQ(run(skel->progs.test_receive, 0, 0, tcp[1]), 0);
	INT_EQ(run(skel->progs.test_receive, 0, 0, tcp[1]), 0);
	INT_EQ(finish_call(REC_RECEIVED, 0), CONN_SEEKING);
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 1);
	INT_EQ(run(skel->progs.test_receive, 0, 0, tcp[1]), 0);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_TOLD);
	INT_EQ(seen_cnt, 1);
	OK(addresses_are_of(tcp[1]));
	INT_EQ(run(skel->progs.test_receive, 0, 0, tcp[1]), (uint32_t)-1);
}

static void test_no_wrong_socket_seen(void)
{
	fake_reset();
	ssl.rbio = ssl.wbio = NULL;
	first_call(REC_SENT);
	run(skel->progs.test_begin, 0, 0, 0);
	run(skel->progs.test_receive, 0, 0, tcp[0]);
	run(skel->progs.test_receive, 0, 0, tcp[1]);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_SEEKING);
	INT_EQ(seen_cnt, 0);
	run(skel->progs.test_begin, 0, 0, 0);
	INT_EQ(run(skel->progs.test_interrupt, 0, 0, tcp[0]), 0);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_SEEKING);
	INT_EQ(seen_cnt, 0);
}

/* Of type 1 (client) or 2 (server), as received from that descriptor. */
static void receive_hello(uint8_t type, const uint8_t *random, int fd)
{
	uint8_t hello[43] = "\x16\x03\x01\x01\xfc\x01\x00\x01\xf8\x03\x03";
	uint64_t args[] = { (uint64_t)hello, 0, 0, (uint64_t)fd };

	hello[5] = type;
	memcpy(hello + 11, random, 32);
	INT_EQ(bpf_run(skel->progs.test_hello, args, 4), 0);
}

static struct fake_method memory_method = { 0x0401 }, pair_method = { 0x0413 },
			  own_method = { 0x0439 };

/* Its BIO is of that kind, and knows no descriptor. */
static void fake_reset_with(struct fake_method *method)
{
	fake_reset();
	bio.method = method;
	bio.num = (uint32_t)-1;
}

/* The object has its bytes in memory; each side has received the other one's hello. */
static void test_a_hello(void)
{
	fake_reset_with(&memory_method);
	receive_hello(1, ssl.client_random, tcp[1]);
	receive_hello(2, more.server_random, tcp[0]);
	ssl.is_server = 1;
	INT_EQ(first_call(REC_RECEIVED), CONN_TOLD);
	OK(addresses_are_of(tcp[1]));
	ssl.is_server = 0;
	bio.method = &pair_method;
	INT_EQ(first_call(REC_SENT), CONN_TOLD);
	OK(addresses_are_of(tcp[0]));
	check_no_address("a hello that was used already");
	receive_hello(2, more.server_random, tcp[0]);
	bio.method = &socket_method;
	bio.num = (uint32_t)tcp[1];
	INT_EQ(first_call(REC_RECEIVED), CONN_TOLD);
	OK_MSG(addresses_are_of(tcp[1]), "the object's own word is better");
	bio.method = &memory_method;
	INT_EQ(first_call(REC_RECEIVED), CONN_TOLD);
	OK(addresses_are_of(tcp[0]));
}

static void see_all_sockets(bool yes)
{
	struct capture_control control = { .sees_all_sockets = yes };
	uint32_t zero = 0;

	bpf_map__update_elem(skel->maps.control, &zero, sizeof(zero), &control, sizeof(control), 0);
}

/* A read that gives something and receives nothing has it from memory, whatever its BIO is. */
static void test_a_hello_with_another_bio(void)
{
	fake_reset_with(&own_method);
	receive_hello(2, more.server_random, tcp[0]);
	check_no_address("what a read receives is not all seen");
	see_all_sockets(true);
	INT_EQ(first_call(REC_SENT), CONN_SEEKING);
	INT_EQ(seen.local.family, 0);
	INT_EQ(run(skel->progs.test_begin, 0, 0, 0), 1);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_TOLD);
	INT_EQ(seen_cnt, 1);
	OK(addresses_are_of(tcp[0]));
	receive_hello(2, more.server_random, tcp[0]);
	INT_EQ(first_call(REC_RECEIVED), CONN_TOLD);
	OK(addresses_are_of(tcp[0]));
	see_all_sockets(false);
}

/* Its reads receive from one socket, and the hello came from another: the process relays it. */
static void test_a_hello_of_a_relay(void)
{
	int fds[2];

	fake_reset_with(&own_method);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	see_all_sockets(true);
	receive_hello(2, more.server_random, tcp[0]);
	forget_conn();
	run(skel->progs.test_begin, 0, 0, 0);
	INT_EQ(run(skel->progs.test_receive_any, 0, 0, fds[0]), 0);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_SEEKING);
	OK_MSG(!seen.local.family, "received, but not TLS");
	run(skel->progs.test_begin, 0, 0, 0);
	INT_EQ(run(skel->progs.test_receive_any, 0, 0, tcp[1]), 0);
	INT_EQ(finish_call(REC_RECEIVED, 5), CONN_TOLD);
	OK(addresses_are_of(tcp[1]));
	see_all_sockets(false);
	close(fds[0]);
	close(fds[1]);
	bio.method = &memory_method;
	INT_EQ(first_call(REC_SENT), CONN_TOLD);
}

static void test_a_hello_is_sought_once(void)
{
	fake_reset_with(&own_method);
	see_all_sockets(true);
	INT_EQ(first_call(REC_SENT), CONN_SEEKING);
	for (int i = 0; i < 2; i++) {
		run(skel->progs.test_begin, 0, 0, 0);
		INT_EQ(finish_call(REC_RECEIVED, 5), CONN_SEEKING);
		INT_EQ(seen_cnt, 0);
		receive_hello(2, more.server_random, tcp[0]);
	}
	see_all_sockets(false);
	bio.method = &memory_method;
	INT_EQ(first_call(REC_SENT), CONN_TOLD);
}

static void test_no_wrong_hello(void)
{
	fake_reset_with(&memory_method);
	memset(more.server_random, 't', sizeof(more.server_random));
	memset(ssl.client_random, 'd', sizeof(ssl.client_random));
	receive_hello(1, ssl.client_random, tcp[1]);
	check_no_address("a client whose server is in this process, too");
	receive_hello(2, ssl.client_random, tcp[1]);
	check_no_address("a server's hello with the client's random");
	receive_hello(2, more.server_random, tcp[1]);
	more.server_random[31]++;
	check_no_address("another random");
	more.server_random[31]--;
	ssl.more = NULL;
	check_no_address("a random that cannot be read");
	ssl.more = &more;
	receive_hello(2, more.server_random, tcp[0]);
	check_no_address("one that came from two sockets");
}

static void test_the_search_ends(void)
{
	int calls = 1;

	fake_reset();
	ssl.rbio = ssl.wbio = NULL;
	first_call(REC_SENT);
	for (; calls < 2 * SEEK_CALLS && run(skel->progs.test_begin, 0, 0, 0) == 1; calls++)
		finish_call(REC_SENT, 5);
	INT_EQ(calls, SEEK_CALLS + 1);
}

static uint32_t seeker_cnt(void)
{
	struct capture_control control;
	uint32_t zero = 0;

	if (bpf_map__lookup_elem(skel->maps.control, &zero, sizeof(zero), &control, sizeof(control),
				 0))
		abort();
	return control.seeker_cnt;
}

/* While there is none, who receives is not looked at. */
static void test_seekers_are_counted(void)
{
	fake_reset();
	ssl.rbio = ssl.wbio = NULL;
	INT_EQ(seeker_cnt(), 0);
	forget_conn();
	run(skel->progs.test_begin, 0, 0, 0);
	INT_EQ(seeker_cnt(), 1);
	/* That call never returns. */
	run(skel->progs.test_begin, 0, 0, 0);
	INT_EQ(seeker_cnt(), 1);
	finish_call(REC_SENT, 5);
	INT_EQ(seeker_cnt(), 0);
	finish_call(REC_SENT, 5);
	INT_EQ(seeker_cnt(), 0);
}

static void test_a_full_ring(void)
{
	struct kernel_stats stats[256];
	uint32_t zero = 0;
	uint64_t dropped = 0;
	int cpu_cnt = libbpf_num_possible_cpus();

	fake_reset();
	for (int i = 0; i < UNKNOWN_MAX; i++) {
		forget_conn();
		run(skel->progs.test_begin, 0, 0, 0);
		INT_EQ(run(skel->progs.test_end, REC_SENT, 1, 0), CONN_TOLD);
	}
	if (cpu_cnt < 1 || cpu_cnt > 256 ||
	    bpf_map_lookup_elem(bpf_map__fd(skel->maps.stats), &zero, stats))
		abort();
	for (int i = 0; i < cpu_cnt; i++)
		dropped += stats[i].infos_dropped;
	seen_cnt = 0;
	ring_drain(ring, 1000, see, NULL);
	OK_MSG(dropped && seen_cnt, "%llu told, %llu not", (unsigned long long)seen_cnt,
	       (unsigned long long)dropped);
	INT_EQ(seen_cnt + dropped, UNKNOWN_MAX);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("descriptions", err.text);
		return tap_done();
	}
	open_side();
	if (!connect_v4(tcp))
		abort();
	RUN(test_an_object);
	RUN(test_a_server_with_little_to_say);
	RUN(test_the_name_of_a_session);
	RUN(test_the_way_to_the_descriptor);
	RUN(test_no_wrong_descriptor);
	RUN(test_texts_at_their_limits);
	RUN(test_a_socket_seen);
	RUN(test_no_wrong_socket_seen);
	RUN(test_a_hello);
	RUN(test_a_hello_with_another_bio);
	RUN(test_a_hello_of_a_relay);
	RUN(test_a_hello_is_sought_once);
	RUN(test_no_wrong_hello);
	RUN(test_the_search_ends);
	RUN(test_seekers_are_counted);
	RUN(test_a_full_ring);
	close_side();
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/closing.bpf.h: what an object and its socket say of the end of their connection. The
 * object is made up, the sockets are real ones of this process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/privilege.h"
#include "bpf_run.h"
#include "closing_test.skel.h"
#include "collect/ring.h"
#include "conn_record.h"
#include "socket_ends.h"
#include "tap.h"

enum { RING_SIZE = 1 << 14, TARGET = 5, SENT = CLOSING_NOTIFY_SENT, GOT = CLOSING_NOTIFY_RECEIVED };
enum { BOTH = CLOSING_NOTIFY, KNOWN = CLOSING_KNOWS_NOTIFY };

struct fake_method {
	uint32_t type;
};

struct fake_bio {
	struct fake_method *method;
	uint32_t init, num;
};

struct fake_ssl {
	uint32_t type, shutdown, quiet, in_init;
	struct fake_bio *rbio;
};

static struct closing_test_bpf *skel;
static struct ring *ring;
static struct rec_conn_end seen;
static struct fake_method socket_method = { 0x0505 };
static struct fake_bio bio;
static struct fake_ssl ssl;
static int tcp[2];

static struct layout_place at(size_t step, uint8_t len)
{
	return (struct layout_place){ 1, len, { (uint16_t)step } };
}

static void put_layout(bool knows_quiet)
{
	struct conn_layout l = { .type_value = 7, .has_type = 1 };
	uint32_t target = TARGET;

	l.type_offset = offsetof(struct fake_ssl, type);
	l.places[LAYOUT_RBIO] = at(offsetof(struct fake_ssl, rbio), 8);
	l.places[LAYOUT_SHUTDOWN] = at(offsetof(struct fake_ssl, shutdown), 4);
	if (knows_quiet)
		l.places[LAYOUT_QUIET_SHUTDOWN] = at(offsetof(struct fake_ssl, quiet), 4);
	l.places[LAYOUT_IN_INIT] = at(offsetof(struct fake_ssl, in_init), 4);
	l.places[LAYOUT_BIO_TYPE] = (struct layout_place){ 2, 4, { 0, 0 } };
	l.places[LAYOUT_BIO_INIT] = at(offsetof(struct fake_bio, init), 4);
	l.places[LAYOUT_BIO_NUM] = at(offsetof(struct fake_bio, num), 4);
	if (bpf_map__update_elem(skel->maps.layouts, &target, sizeof(target), &l, sizeof(l), 0))
		abort();
}

static void open_side(void)
{
	skel = closing_test_bpf__open();
	if (!skel)
		abort();
	skel->rodata->ring_size = RING_SIZE;
	bpf_map__set_max_entries(skel->maps.ring, RING_SIZE);
	if (closing_test_bpf__load(skel) ||
	    ring_open(bpf_map__fd(skel->maps.ring), RING_SIZE, &ring))
		abort();
	put_layout(true);
}

static int64_t run(const struct bpf_program *prog, uint64_t number)
{
	uint64_t args[] = { (uint64_t)&ssl, number };

	return bpf_run(prog, args, 2);
}

static void see(void *user, const struct ring_record *rec)
{
	OK(ring_record_copy(rec, 0, &seen, sizeof(seen)) == sizeof(seen) &&
	   seen.head.type == REC_CONN_END);
}

/* A connection over tcp[0]. */
static void begin(void)
{
	bio = (struct fake_bio){ &socket_method, 1, (uint32_t)tcp[0] };
	ssl = (struct fake_ssl){ .type = 7, .rbio = &bio };
	INT_EQ(run(skel->progs.test_open, (uint64_t)tcp[0]), 1);
}

/* Its end: the flags of its record. */
static int end_as(bool is_cleared)
{
	seen = (struct rec_conn_end){ 0 };
	run(skel->progs.test_end, is_cleared);
	ring_drain(ring, 100, see, NULL);
	return seen.closing.flags;
}

static int end(void)
{
	return end_as(false);
}

static void test_what_the_object_says(void)
{
	static const struct {
		uint32_t shutdown, quiet, in_init;
		int want;
	} rows[] = {
		{ 0, 0, 0, KNOWN },
		{ 1, 0, 0, KNOWN | SENT },
		{ 2, 0, 0, KNOWN | GOT },
		{ 3, 0, 0, KNOWN | BOTH },
		/* Nothing was said, or an alert came. */
		{ 3, 1, 0, 0 },
		{ 3, 0, 1, KNOWN | SENT | CLOSING_FAILED },
		{ 0xfffffffc, 0, 0, KNOWN },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		ssl.shutdown = rows[i].shutdown;
		ssl.quiet = rows[i].quiet;
		ssl.in_init = rows[i].in_init;
		INT_EQ(end(), rows[i].want);
	}
	begin();
	INT_EQ(end_as(true), KNOWN | CLOSING_CLEARED);
	begin();
	ssl.shutdown = 3;
	ssl.type = 8;
	INT_EQ(end() & CLOSING_NOTIFY, 0);
	put_layout(false);
	begin();
	ssl.shutdown = 3;
	INT_EQ(end(), 0);
	put_layout(true);
}

/* What the program sets is not believed, but for what was there before. */
static void test_what_is_set(void)
{
	begin();
	run(skel->progs.test_set, 3);
	ssl.shutdown = 3;
	INT_EQ(end(), KNOWN);
	/* As nginx does: no waiting for the peer's, and then our own is sent. */
	begin();
	run(skel->progs.test_set, 2);
	ssl.shutdown = 3;
	INT_EQ(end(), KNOWN | SENT);
	begin();
	ssl.shutdown = 2;
	run(skel->progs.test_set, 3);
	ssl.shutdown = 3;
	INT_EQ(end(), KNOWN | GOT);
	/* Set twice: what was set the first time is still not believed. */
	begin();
	run(skel->progs.test_set, 2);
	ssl.shutdown = 2;
	run(skel->progs.test_set, 2);
	INT_EQ(end(), KNOWN);
	/* Set back. */
	begin();
	ssl.shutdown = 2;
	run(skel->progs.test_set, 0);
	ssl.shutdown = 0;
	INT_EQ(end(), KNOWN | GOT);
	/* A read saw it before all became quiet. */
	begin();
	ssl.shutdown = 2;
	run(skel->progs.test_read, 0);
	ssl.quiet = 1;
	INT_EQ(end(), GOT);
}

static void open_tcp(void)
{
	if (!connect_v4(tcp))
		abort();
}

static void close_reset(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void test_sockets(void)
{
	int error = 0, kept, number;
	socklen_t len = sizeof(error);

	begin();
	close_reset(tcp[1]);
	INT_EQ(end(), KNOWN | CLOSING_BROKEN);
	INT_EQ(seen.closing.socket_error, ECONNRESET);
	/* Once the program has been told, the socket says it no more. */
	getsockopt(tcp[0], SOL_SOCKET, SO_ERROR, &error, &len);
	INT_EQ(error, ECONNRESET);
	begin();
	INT_EQ(end(), KNOWN | CLOSING_BROKEN);
	INT_EQ(seen.closing.socket_error, 0);
	close(tcp[0]);
	open_tcp();
	begin();
	close(tcp[1]);
	INT_EQ(end(), KNOWN | CLOSING_PEER_CLOSED);
	/* Both have ended: the same state as after a reset. */
	shutdown(tcp[0], SHUT_WR);
	begin();
	INT_EQ(end(), KNOWN | CLOSING_PEER_CLOSED);
	close(tcp[0]);
	open_tcp();
	begin();
	shutdown(tcp[0], SHUT_WR);
	INT_EQ(end(), KNOWN);
	/* Another socket has the descriptor now. */
	begin();
	number = tcp[0];
	kept = dup(tcp[0]);
	close(tcp[1]);
	open_tcp();
	close_reset(tcp[1]);
	dup2(tcp[0], number);
	INT_EQ(end(), KNOWN);
	close(number);
	close(kept);
	close(tcp[0]);
}

static void test_unix_sockets(void)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, tcp) < 0)
		abort();
	begin();
	INT_EQ(end(), KNOWN);
	begin();
	close(tcp[1]);
	INT_EQ(end(), KNOWN | CLOSING_PEER_CLOSED);
	close(tcp[0]);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("ends of connections", err.text);
		return tap_done();
	}
	open_side();
	open_tcp();
	RUN(test_what_the_object_says);
	RUN(test_what_is_set);
	RUN(test_sockets);
	RUN(test_unix_sockets);
	ring_close(ring);
	closing_test_bpf__destroy(skel);
	return tap_done();
}

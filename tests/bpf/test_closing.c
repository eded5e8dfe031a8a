// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/closing.bpf.h: what an object and its socket say of the end of their connection. The
 * object is made up, the sockets are real ones of this process.
 */
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/privilege.h"
#include "base/clock.h"
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
static bool knows_timeouts;
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

static void choose_programs(void)
{
	struct bpf_program *const wanted[] = {
		skel->progs.test_open,		 skel->progs.test_set,
		skel->progs.test_read,		 skel->progs.test_end,
		skel->progs.proc_reset_received, skel->progs.proc_reset_sent,
		skel->progs.proc_socket_error,
	};
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj) bpf_program__set_autoload(prog, false);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		bpf_program__set_autoload(wanted[i], true);
}

/* They see the whole machine's sockets, and note what this test does not ask about. */
static void watch_fates(void)
{
	skel->links.proc_reset_received = bpf_program__attach(skel->progs.proc_reset_received);
	skel->links.proc_reset_sent = bpf_program__attach(skel->progs.proc_reset_sent);
	skel->links.proc_socket_error = bpf_program__attach(skel->progs.proc_socket_error);
	OK(skel->links.proc_reset_received && skel->links.proc_reset_sent);
	knows_timeouts = skel->links.proc_socket_error != NULL;
	if (!knows_timeouts)
		tap_note("this kernel does not tell when sockets time out");
}

static void open_side(void)
{
	skel = closing_test_bpf__open();
	if (!skel)
		abort();
	choose_programs();
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

/* The error that waits at a socket; it does no longer then. */
static int take_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static void check_end(int flags, int error)
{
	INT_EQ(end(), KNOWN | flags);
	INT_EQ(seen.closing.socket_error, error);
}

static void test_reset_unseen(void)
{
	begin();
	close_reset(tcp[1]);
	check_end(CLOSING_BROKEN, ECONNRESET);
	/* Once the program has been told, the socket says it no more: that it is dead is left. */
	INT_EQ(take_error(tcp[0]), ECONNRESET);
	begin();
	check_end(CLOSING_BROKEN, 0);
	close(tcp[0]);
}

static void test_reset_seen(void)
{
	open_tcp();
	begin();
	close_reset(tcp[1]);
	INT_EQ(take_error(tcp[0]), ECONNRESET);
	check_end(CLOSING_BROKEN, ECONNRESET);
	/* Another connection of the same socket, and the same one after its close. */
	begin();
	close(tcp[0]);
	check_end(CLOSING_BROKEN, ECONNRESET);
	/* The next one, which may have the same address in the kernel. */
	open_tcp();
	begin();
	check_end(0, 0);
	begin();
	close(tcp[0]);
	check_end(0, 0);
	close(tcp[1]);
}

/* The peer had ended its side, and could not know what came then. */
static void test_reset_after_end(void)
{
	open_tcp();
	begin();
	close(tcp[1]);
	INT_EQ(send(tcp[0], "x", 1, MSG_NOSIGNAL), 1);
	INT_EQ(take_error(tcp[0]), EPIPE);
	check_end(CLOSING_PEER_CLOSED, 0);
	begin();
	close(tcp[0]);
	check_end(CLOSING_PEER_CLOSED, 0);
}

static void test_reset_sent(void)
{
	open_tcp();
	begin();
	close_reset(tcp[0]);
	check_end(CLOSING_RESET_SENT, 0);
	close(tcp[1]);
	/* Bytes that nobody read. */
	open_tcp();
	begin();
	INT_EQ(send(tcp[1], "x", 1, 0), 1);
	close(tcp[0]);
	check_end(CLOSING_RESET_SENT, 0);
	close(tcp[1]);
	/* Bytes that nobody can read: the kernel calls that reset by the peer. */
	open_tcp();
	begin();
	shutdown(tcp[0], SHUT_RDWR);
	INT_EQ(send(tcp[1], "x", 1, MSG_NOSIGNAL), 1);
	INT_EQ(take_error(tcp[0]), ECONNRESET);
	check_end(CLOSING_BROKEN | CLOSING_RESET_SENT, 0);
	close(tcp[0]);
	close(tcp[1]);
}

/* The peer throws away whatever arrives, the answers of its kernel included. */
static void make_deaf(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &nothing };

	INT_EQ(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), 0);
}

static bool is_noted(ino_t ino, uint32_t fate)
{
	struct bpf_map *fates = skel->maps.fates;
	struct socket_ref key, *before = NULL;
	uint32_t noted;

	while (!bpf_map__get_next_key(fates, before, &key, sizeof(key))) {
		if (key.ino == ino &&
		    !bpf_map__lookup_elem(fates, &key, sizeof(key), &noted, sizeof(noted), 0) &&
		    noted & fate)
			return true;
		before = &key;
	}
	return false;
}

/*
 * The kernel wakes a program before it tells of the error; one that takes the error in between
 * leaves it untold.
 */
static void wait_until_noted(int fd, uint32_t fate)
{
	const uint64_t end = clock_ns(CLOCK_MONOTONIC) + UINT64_C(20000000000);
	struct stat st;

	if (fstat(fd, &st))
		abort();
	while (!is_noted(st.st_ino, fate) && clock_ns(CLOCK_MONOTONIC) < end)
		usleep(1000);
	OK(is_noted(st.st_ino, fate));
}

static void test_timeout(void)
{
	struct pollfd broken = { .events = 0 };
	unsigned patience_ms = 100;

	open_tcp();
	begin();
	make_deaf(tcp[1]);
	setsockopt(tcp[0], IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
	INT_EQ(send(tcp[0], "x", 1, 0), 1);
	broken.fd = tcp[0];
	INT_EQ(poll(&broken, 1, 20000), 1);
	check_end(CLOSING_BROKEN, ETIMEDOUT);
	if (knows_timeouts)
		wait_until_noted(tcp[0], FATE_TIMED_OUT);
	INT_EQ(take_error(tcp[0]), ETIMEDOUT);
	begin();
	check_end(CLOSING_BROKEN, knows_timeouts ? ETIMEDOUT : 0);
	begin();
	close(tcp[0]);
	check_end(knows_timeouts ? CLOSING_BROKEN : 0, knows_timeouts ? ETIMEDOUT : 0);
	close(tcp[1]);
}

static void test_sockets(void)
{
	int kept, number;

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
	RUN(test_reset_unseen);
	watch_fates();
	RUN(test_reset_seen);
	RUN(test_reset_after_end);
	RUN(test_reset_sent);
	RUN(test_timeout);
	RUN(test_sockets);
	RUN(test_unix_sockets);
	ring_close(ring);
	closing_test_bpf__destroy(skel);
	return tap_done();
}

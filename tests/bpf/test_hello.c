// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/hello.bpf.h: hellos that this process receives, by each call, and those that must not be
 * taken. Once for either tracepoint that the kernel may have.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "attach/privilege.h"
#include "bpf_run.h"
#include "capture_control.h"
#include "hello_test.skel.h"
#include "process_filter.h"
#include "socket_ends.h"
#include "tap.h"

enum { HELLO_LEN = 60, RANDOM_AT = 11, RANDOM_LEN = 32, BUFFER_LEN = 200 };

static struct hello_test_bpf *skel;
static bool is_tcp_only; /* the tracepoint that is attached tells of TCP only */
static uint8_t hello[HELLO_LEN];
static uint8_t buffer[BUFFER_LEN];
static int tcp[2], other[2];

/* Another one each time. */
static void new_hello(uint8_t type)
{
	static uint8_t round;

	memset(hello, ++round, sizeof(hello));
	memcpy(hello, "\x16\x03\x01\x00\x37\x01\x00\x00\x33\x03\x03", RANDOM_AT);
	hello[5] = type;
}

static struct ends found(void)
{
	uint64_t args[] = { (uint64_t)hello };
	struct ends ends = { 0 };
	uint32_t zero = 0;
	int64_t r = bpf_run(skel->progs.test_take, args, 1);

	if (bpf_map__lookup_elem(skel->maps.found, &zero, sizeof(zero), &ends, sizeof(ends), 0))
		abort();
	OK_MSG(r == ends.local.family, "family %lld", (long long)r);
	return ends;
}

static void check_found(int fd, const char *what)
{
	struct ends e = found();

	OK_MSG(are_ends(&e, fd), "%s", what);
	e = found();
	OK_MSG(!e.local.family, "%s: only once", what);
}

static void check_none(const char *what)
{
	struct ends e = found();

	OK_MSG(!e.local.family, "%s", what);
}

static void send_to(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, 0) != (ssize_t)len)
		abort();
}

static ssize_t by_read(int fd, struct iovec *iov)
{
	return read(fd, iov->iov_base, iov->iov_len);
}

static ssize_t by_recv(int fd, struct iovec *iov)
{
	return recv(fd, iov->iov_base, iov->iov_len, 0);
}

static ssize_t by_readv(int fd, struct iovec *iov)
{
	return readv(fd, iov, 2);
}

static ssize_t by_recvmsg(int fd, struct iovec *iov)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return recvmsg(fd, &msg, 0);
}

static const struct {
	const char *name;
	ssize_t (*receive)(int fd, struct iovec *iov);
} calls[] = {
	{ "read", by_read }, { "recv", by_recv }, { "readv", by_readv }, { "recvmsg", by_recvmsg }
};

/* `fd` receives what `from` sends, into a buffer of that length first. */
static void receive(size_t call, int from, int fd, size_t len)
{
	struct iovec iov[2] = { { buffer, len }, { buffer + len, sizeof(buffer) - len } };

	send_to(from, hello, sizeof(hello));
	if (calls[call].receive(fd, iov) <= 0)
		abort();
}

static void test_each_call(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		new_hello(1);
		receive(i, tcp[0], tcp[1], 100);
		check_found(tcp[1], calls[i].name);
		new_hello(2);
		receive(i, tcp[1], tcp[0], 100);
		check_found(tcp[0], "a server's");
	}
}

static void test_a_first_buffer_that_is_small(void)
{
	new_hello(1);
	receive(2, tcp[0], tcp[1], 42);
	check_none("readv");
	new_hello(1);
	receive(3, tcp[0], tcp[1], 42);
	check_none("recvmsg");
	new_hello(1);
	receive(3, tcp[0], tcp[1], 43);
	check_found(tcp[1], "just large enough");
}

/* What lies in the buffer from before must not be taken for received. */
static void test_pieces(void)
{
	new_hello(1);
	memcpy(buffer, hello, sizeof(hello));
	send_to(tcp[0], hello, 5);
	INT_EQ(recv(tcp[1], buffer, sizeof(buffer), 0), 5);
	check_none("a small packet");
	send_to(tcp[0], hello, sizeof(hello));
	INT_EQ(recv(tcp[1], buffer, 5, 0), 5);
	check_none("a small buffer");
	INT_EQ(recv(tcp[1], buffer + 5, sizeof(buffer) - 5, 0), sizeof(hello) - 5);
	check_none("the rest of it");
}

static void test_thrown_away(void)
{
	new_hello(1);
	memcpy(buffer, hello, sizeof(hello));
	send_to(tcp[0], "01234567890123456789012345678901234567890123456789", 50);
	INT_EQ(recv(tcp[1], buffer, sizeof(buffer), MSG_TRUNC), 50);
	check_none("recv with MSG_TRUNC");
}

static void check_changed(size_t at, uint8_t value)
{
	uint8_t was;

	new_hello(1);
	was = hello[at];
	hello[at] = value;
	receive(1, tcp[0], tcp[1], 100);
	hello[at] = was;
	OK_MSG(!found().local.family, "byte %zu", at);
}

static void test_what_is_no_hello(void)
{
	static const uint8_t retry[] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11 };
	uint64_t args[] = { (uint64_t)hello };

	check_changed(0, 0x17);
	check_changed(1, 2);
	check_changed(5, 4);
	check_changed(6, 1);
	check_changed(9, 1);
	new_hello(2);
	memcpy(hello + RANDOM_AT, retry, sizeof(retry));
	INT_EQ(bpf_run(skel->progs.test_take, args, 1), (uint32_t)-1);
}

static void test_two_sockets(void)
{
	new_hello(1);
	receive(1, tcp[0], tcp[1], 100);
	receive(1, tcp[0], tcp[1], 100);
	check_found(tcp[1], "twice from one");
	receive(1, tcp[0], tcp[1], 100);
	receive(1, other[0], other[1], 100);
	check_none("from two");
	/* The hello of the other kind is another one. */
	receive(1, tcp[0], tcp[1], 100);
	hello[5] = 2;
	receive(1, other[0], other[1], 100);
	check_found(other[1], "a server's");
	hello[5] = 1;
	check_found(tcp[1], "a client's");
}

/* `state`: of this process, set of enum watch_state; -1: there is none. */
static void watch(const struct capture_control *how, int state)
{
	uint32_t pid = (uint32_t)getpid(), zero = 0, value = (uint32_t)state;
	struct capture_control control = *how;

	control.watched_hint[pid % WATCH_HINT_CNT] = state >= 0;
	bpf_map__update_elem(skel->maps.control, &zero, sizeof(zero), &control, sizeof(control), 0);
	if (state >= 0)
		bpf_map__update_elem(skel->maps.watched, &pid, sizeof(pid), &value, sizeof(value),
				     0);
	else
		bpf_map__delete_elem(skel->maps.watched, &pid, sizeof(pid), 0);
}

static void test_who_is_watched(void)
{
	static const struct capture_control named = { 0 }, all = { .watch_all = 1 };
	static const struct {
		const char *what;
		const struct capture_control *how;
		int state;
		bool found;
	} rows[] = {
		{ "not named", &named, -1, false },
		{ "named, not judged yet", &named, WATCH_TOLD, true },
		{ "named, judged and out", &named, WATCH_TOLD | WATCH_JUDGED, false },
		{ "all", &all, -1, true },
		{ "all, this one is out", &all, WATCH_JUDGED, false },
		{ "named, and in", &named, WATCH_JUDGED | WATCH_IN, true },
	};
	struct capture_control self = { .watch_all = 1, .self_pid = (uint32_t)getpid() };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		watch(rows[i].how, rows[i].state);
		new_hello(1);
		receive(1, tcp[0], tcp[1], 100);
		OK_MSG((found().local.family != 0) == rows[i].found, "%s", rows[i].what);
	}
	watch(&self, -1);
	new_hello(1);
	receive(1, tcp[0], tcp[1], 100);
	check_none("all but plaintap itself");
	watch(&named, WATCH_JUDGED | WATCH_IN);
}

/* While only receivers are looked at: which processes may be, by the low bits of their pids. */
static void test_who_is_a_receiver(void)
{
	struct capture_control how = { .watch_all = 1, .receiving = RECEIVING_OF_RECEIVERS };

	watch(&how, WATCH_JUDGED | WATCH_IN);
	new_hello(1);
	receive(1, tcp[0], tcp[1], 100);
	check_none("watched, and no receiver");
	how.receiver_slots[(uint32_t)getpid() % RECEIVER_SLOT_CNT] = 1;
	watch(&how, WATCH_JUDGED | WATCH_IN);
	receive(1, tcp[0], tcp[1], 100);
	check_found(tcp[1], "a receiver");
	watch(&(struct capture_control){ 0 }, WATCH_JUDGED | WATCH_IN);
}

static void test_unix(void)
{
	int fds[2];
	struct ends e;

	if (is_tcp_only)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	new_hello(1);
	receive(1, fds[0], fds[1], 100);
	e = found();
	INT_EQ(e.local.family, AF_UNIX);
	close(fds[0]);
	close(fds[1]);
}

static void test_registers(void)
{
	INT_EQ(bpf_run(skel->progs.test_number, NULL, 0), SYS_bpf);
}

static void open_side(void)
{
	struct bpf_program *prog;

	skel = hello_test_bpf__open();
	if (!skel)
		abort();
	bpf_object__for_each_program(prog, skel->obj) bpf_program__set_autoload(prog, false);
	bpf_program__set_autoload(skel->progs.proc_received, true);
	bpf_program__set_autoload(skel->progs.proc_received_tcp, true);
	bpf_program__set_autoload(skel->progs.test_take, true);
	bpf_program__set_autoload(skel->progs.test_number, true);
	bpf_map__set_max_entries(skel->maps.ring, 1 << 14);
	if (hello_test_bpf__load(skel))
		abort();
}

static void run_with(struct bpf_program *prog, const char *tracepoint)
{
	struct bpf_link *link = bpf_program__attach(prog);

	if (!link) {
		tap_skip(tracepoint, "this kernel has not this tracepoint");
		return;
	}
	tap_note("%s", tracepoint);
	is_tcp_only = prog == skel->progs.proc_received_tcp;
	watch(&(struct capture_control){ 0 }, WATCH_JUDGED | WATCH_IN);
	RUN(test_each_call);
	RUN(test_a_first_buffer_that_is_small);
	RUN(test_pieces);
	RUN(test_thrown_away);
	RUN(test_what_is_no_hello);
	RUN(test_two_sockets);
	RUN(test_who_is_watched);
	RUN(test_who_is_a_receiver);
	RUN(test_unix);
	bpf_link__destroy(link);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("hellos", err.text);
		return tap_done();
	}
	open_side();
	if (!connect_v4(tcp) || !connect_v4(other))
		abort();
	RUN(test_registers);
	run_with(skel->progs.proc_received, "sock_recv_length");
	run_with(skel->progs.proc_received_tcp, "tcp_rcv_space_adjust");
	hello_test_bpf__destroy(skel);
	return tap_done();
}

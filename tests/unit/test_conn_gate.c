// SPDX-License-Identifier: BSD-2-Clause
/* What waits for its verdict, goes on or goes away as a whole; and the counters balance. */
#include <stdlib.h>
#include <string.h>

#include "model/conn_info.h"
#include "model/counters.h"
#include "model/process.h"
#include "model/proto.h"
#include "stream/conn_gate.h"
#include "stream/stream.h"
#include "tap.h"

enum { KEY = 7 };

static struct counters n;
static struct stream *stream;
static struct conn_gate *gate;
static char passed[4096]; /* what came out, a letter and the bytes each */
static size_t passed_len;
static unsigned opened, closed;

static struct process *process_of(void *user, pid_t pid)
{
	return process_new(pid);
}

static const char *no_library(void *user, uint32_t library)
{
	return NULL;
}

static int conn_open(void *user, struct connection *c, void **ret_listener)
{
	opened++;
	return 0;
}

static void out(char mark, const void *data, size_t len)
{
	if (passed_len + len + 1 >= sizeof(passed))
		return;
	passed[passed_len++] = mark;
	memcpy(passed + passed_len, data, len);
	passed_len += len;
	passed[passed_len] = '\0';
}

static void bytes(void *user, const struct connection *c, enum dir dir, uint64_t off,
		  const uint8_t *data, size_t len)
{
	out(dir == DIR_SENT ? '>' : '<', data, len);
}

static void gap(void *user, const struct connection *c, enum dir dir, uint64_t off, uint64_t len,
		unsigned causes)
{
	out('-', "", 0);
}

static void conn_close(void *user, struct connection *c, void *listener)
{
	closed++;
	out('.', c->remote ? c->remote : "?", c->remote ? strlen(c->remote) : 1);
}

static enum proto_match never(const uint8_t *data, size_t len)
{
	return PROTO_NO;
}

static struct proto *open_nothing(const struct message_ops *ops, void *user)
{
	return NULL;
}

static void close_nothing(struct proto *proto)
{
}

static void begin(bool let_in_unknown)
{
	static const struct stream_ops ops = {
		.process_of = process_of,
		.library_of = no_library,
		.library_version_of = no_library,
		.conn_open = conn_open,
		.bytes = bytes,
		.gap = gap,
		.conn_close = conn_close,
	};
	static const struct proto_ops nothing = {
		.probe = never,
		.open = open_nothing,
		.close = close_nothing,
	};
	static const struct proto_ops *const protos[] = { &nothing };
	struct stream_config config = {
		.ops = &ops,
		.protos = protos,
		.proto_cnt = 1,
		.counters = &n,
		.conn_max = 100,
	};

	memset(&n, 0, sizeof(n));
	passed_len = opened = closed = 0;
	passed[0] = '\0';
	stream = stream_new(&config);
	gate = conn_gate_new(stream, &n, let_in_unknown);
	OK(stream && gate);
}

/* As the kernel side and the collector would have counted. */
static void chunk_of(enum dir dir, uint64_t off, const char *text, size_t len)
{
	struct chunk c = {
		.conn_key = KEY,
		.pid = 1,
		.dir = dir,
		.off = off,
		.data = (const uint8_t *)text,
		.len = len,
	};

	n.kernel.bytes_seen += len;
	n.kernel.bytes_sent += len;
	n.collect.bytes += len;
	conn_gate_chunk(gate, &c);
}

static void chunk(enum dir dir, uint64_t off, const char *text)
{
	char *copy = strdup(text);

	chunk_of(dir, off, copy, strlen(text));
	free(copy);
}

static void lost(uint64_t len)
{
	n.kernel.bytes_seen += len;
	n.kernel.bytes_dropped[0] += len;
}

static void info(enum conn_verdict verdict, const char *remote)
{
	struct conn_info i = { .conn_key = KEY, .pid = 1, .verdict = verdict };

	memcpy(i.remote, remote, strlen(remote));
	memcpy(i.local, remote, strlen(remote));
	conn_gate_info(gate, &i);
}

static void end_of(uint64_t sent, uint64_t received)
{
	struct chunk_end e = {
		.conn_key = KEY,
		.pid = 1,
		.end = CONN_END_FREED,
		.total = { sent, received },
	};

	conn_gate_end(gate, &e);
}

static void finish(const char *want)
{
	conn_gate_free(gate);
	stream_free(stream);
	C_STR_EQ(passed, want);
	OK(counters_balanced(&n));
	INT_EQ(opened, closed);
	INT_EQ(opened, n.stream.connections);
}

static void test_let_in_later(void)
{
	begin(false);
	info(CONN_UNJUDGED, "");
	chunk(DIR_SENT, 0, "abc");
	chunk(DIR_SENT, 3, "d");
	chunk(DIR_RECEIVED, 0, "x");
	INT_EQ(opened, 0);
	OK(conn_gate_has_passed(gate, KEY, DIR_SENT, 3));
	OK(!conn_gate_has_passed(gate, KEY, DIR_SENT, 4));
	info(CONN_LET_IN, "10.0.0.1:443");
	C_STR_EQ(passed, ">abc>d<x");
	chunk(DIR_SENT, 4, "e");
	OK(conn_gate_has_passed(gate, KEY, DIR_SENT, 4));
	end_of(5, 1);
	finish(">abc>d<x>e.10.0.0.1:443");
	INT_EQ(n.stream.bytes_filtered, 0);
}

static void test_let_in_at_once(void)
{
	begin(false);
	info(CONN_LET_IN, "h");
	chunk(DIR_SENT, 0, "a");
	C_STR_EQ(passed, ">a");
	finish(">a.h");
}

static void test_kept_out(void)
{
	begin(true);
	info(CONN_UNJUDGED, "");
	chunk(DIR_SENT, 0, "abc");
	info(CONN_KEPT_OUT, "h");
	/* What was in the ring by then, and what may never come back. */
	chunk(DIR_RECEIVED, 0, "de");
	info(CONN_LET_IN, "h");
	end_of(3, 2);
	finish("");
	INT_EQ(n.stream.bytes_filtered, 5);
	INT_EQ(n.stream.conns_filtered, 0);
	INT_EQ(counters_lost_bytes(&n), 0);
}

/* Nobody wanted them, so nobody lost them. */
static void test_losses_of_kept_out(void)
{
	begin(true);
	chunk(DIR_SENT, 0, "abc");
	lost(10);
	chunk(DIR_SENT, 13, "d");
	info(CONN_KEPT_OUT, "h");
	lost(5);
	chunk(DIR_RECEIVED, 5, "e");
	lost(2);
	end_of(16, 6);
	finish("");
	INT_EQ(n.stream.gap_bytes_filtered, 17);
	INT_EQ(counters_lost_bytes(&n), 0);
}

static void test_losses_of_let_in(void)
{
	begin(false);
	chunk(DIR_SENT, 0, "abc");
	lost(10);
	chunk(DIR_SENT, 13, "d");
	info(CONN_LET_IN, "h");
	lost(2);
	end_of(16, 0);
	finish(">abc->d-.h");
	INT_EQ(n.stream.gap_bytes, 12);
	INT_EQ(counters_lost_bytes(&n), 12);
}

static void test_never_judged(void)
{
	begin(false);
	chunk(DIR_SENT, 0, "abc");
	end_of(3, 0);
	chunk(DIR_SENT, 0, "abc");
	finish("");
	INT_EQ(n.stream.conns_filtered, 2);
	begin(true);
	info(CONN_UNJUDGED, "");
	chunk(DIR_SENT, 0, "abc");
	end_of(3, 0);
	info(CONN_UNJUDGED, "");
	chunk(DIR_SENT, 0, "d");
	finish(">abc.?>d.?");
	INT_EQ(n.stream.conns_filtered, 0);
}

/* The kernel side keeps an entry of each that it never let pass a byte. */
static void test_end_without_bytes(void)
{
	begin(true);
	end_of(0, 0);
	finish("");
}

static void test_all_lost(void)
{
	begin(false);
	lost(9);
	end_of(9, 0);
	finish("");
	INT_EQ(counters_lost_bytes(&n), 0);
	begin(true);
	lost(9);
	end_of(9, 0);
	finish("-.?");
	INT_EQ(counters_lost_bytes(&n), 9);
}

/* One that says too much before it is judged is taken for one that never will be. */
static void test_too_much(void)
{
	char *much = malloc(GATE_CONN_BYTES_MAX);

	memset(much, 'x', GATE_CONN_BYTES_MAX);
	begin(false);
	chunk_of(DIR_SENT, 0, much, GATE_CONN_BYTES_MAX);
	INT_EQ(n.stream.bytes_filtered, 0);
	chunk(DIR_SENT, GATE_CONN_BYTES_MAX, "y");
	INT_EQ(n.stream.bytes_filtered, GATE_CONN_BYTES_MAX + 1);
	info(CONN_LET_IN, "h");
	finish("");
	begin(true);
	chunk_of(DIR_SENT, 0, much, GATE_CONN_BYTES_MAX);
	chunk(DIR_SENT, GATE_CONN_BYTES_MAX, "y");
	INT_EQ(n.stream.bytes, GATE_CONN_BYTES_MAX + 1);
	finish(">y.?");
	free(much);
}

static void test_no_memory(void)
{
	for (unsigned at = 1; at < 12; at++) {
		begin(false);
		fail_alloc_at(at);
		chunk_of(DIR_SENT, 0, "abc", 3);
		info(CONN_LET_IN, "h");
		end_of(3, 0);
		fail_alloc_at(0);
		conn_gate_free(gate);
		stream_free(stream);
		OK(counters_balanced(&n));
	}
}

int main(void)
{
	RUN(test_let_in_later);
	RUN(test_let_in_at_once);
	RUN(test_kept_out);
	RUN(test_losses_of_kept_out);
	RUN(test_losses_of_let_in);
	RUN(test_never_judged);
	RUN(test_end_without_bytes);
	RUN(test_all_lost);
	RUN(test_too_much);
	RUN(test_no_memory);
	return tap_done();
}

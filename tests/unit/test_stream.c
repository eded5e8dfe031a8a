// SPDX-License-Identifier: BSD-2-Clause
/*
 * The connection table with a protocol of the test's own: it takes what begins with "AB:", and the
 * fallback takes anything. All that happens is logged as text; bytes that continue those before
 * are no line of their own, so that the log does not depend on how the bytes were cut.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/counters.h"
#include "model/process.h"
#include "stream/stream.h"
#include "tap.h"

/* One kind of events, with what would continue its last line. */
struct log {
	struct buf text;
	uint64_t next_off;
	enum dir dir;
	bool may_continue;
};

struct fixture {
	struct stream *stream;
	struct counters counters;
	struct log tap;	  /* what stream_ops heard */
	struct log proto; /* what the protocols heard */
	bool refuse;	  /* conn_open fails */
	uint64_t sent_off[DIR_CNT];
};

/* As in the program, only the protocol's own events go to the listener: here the fixture. */
struct proto {
	struct fixture *f;
	const char *name;
};

static void say(struct log *l, const char *text)
{
	buf_append_str(&l->text, text);
	l->may_continue = false;
}

static void say_bytes(struct log *l, const char *name, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	if (!l->may_continue || l->dir != dir || l->next_off != off)
		buf_printf(&l->text, "|%s %s@%llu ", name, dir_name(dir), (unsigned long long)off);
	buf_append(&l->text, data, len);
	l->may_continue = true;
	l->dir = dir;
	l->next_off = off + len;
}

static void say_gap(struct log *l, const char *name, enum dir dir, uint64_t off, uint64_t len,
		    unsigned causes)
{
	char line[128];

	snprintf(line, sizeof(line), "|%s %s@%llu gap %llu causes %u", name, dir_name(dir),
		 (unsigned long long)off, (unsigned long long)len, causes);
	say(l, line);
}

static enum proto_match ab_probe(const uint8_t *data, size_t len)
{
	if (memcmp(data, "AB:", len < 3 ? len : 3))
		return PROTO_NO;
	return len < 3 ? PROTO_MAYBE : PROTO_YES;
}

/* Breaks the rule: it never says anything. */
static enum proto_match undecided_probe(const uint8_t *data, size_t len)
{
	return data[0] == '?' ? PROTO_MAYBE : PROTO_NO;
}

static enum proto_match any_probe(const uint8_t *data, size_t len)
{
	return PROTO_YES;
}

static struct proto *proto_open(const char *name, void *user)
{
	struct proto *p = malloc(sizeof(*p));
	struct fixture *f = user;

	if (!p)
		return NULL;
	*p = (struct proto){ f, name };
	buf_printf(&f->proto.text, "|%s opens", name);
	f->proto.may_continue = false;
	return p;
}

static struct proto *ab_open(const struct message_ops *events, void *user)
{
	return proto_open("ab", user);
}

static struct proto *any_open(const struct message_ops *events, void *user)
{
	return proto_open("any", user);
}

static void proto_feed(struct proto *p, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		       uint64_t ts_ns)
{
	say_bytes(&p->f->proto, p->name, dir, off, data, len);
}

static void proto_gap(struct proto *p, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
		      uint64_t ts_ns)
{
	say_gap(&p->f->proto, p->name, dir, off, len, causes);
}

static void proto_end(struct proto *p, enum dir dir, uint64_t ts_ns)
{
	say(&p->f->proto, dir == DIR_SENT ? "|end sent" : "|end received");
}

static void proto_close(struct proto *p)
{
	if (p)
		say(&p->f->proto, "|closes");
	free(p);
}

#define FAKE_PROTO(name, probe, open)                                            \
	{                                                                        \
		name, probe, open, proto_feed, proto_gap, proto_end, proto_close \
	}

static const struct proto_ops ab = FAKE_PROTO("ab", ab_probe, ab_open);
static const struct proto_ops undecided = FAKE_PROTO("undecided", undecided_probe, ab_open);
static const struct proto_ops any = FAKE_PROTO("any", any_probe, any_open);
static const struct proto_ops *const protos[] = { &ab, &undecided, &any };

static struct process *process_of(void *user, pid_t pid)
{
	return process_new(pid);
}

static const char *library_of(void *user, uint32_t library)
{
	return library == 1 ? "/lib/libssl.so.3" : NULL;
}

static int conn_open(void *user, struct connection *c, void **ret_listener)
{
	struct fixture *f = user;

	if (f->refuse)
		return -ENOMEM;
	say(&f->tap, "|open ");
	say(&f->tap, c->id);
	*ret_listener = f;
	return 0;
}

static void tap_bytes(void *user, const struct connection *c, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	say_bytes(&((struct fixture *)user)->tap, c->id, dir, off, data, len);
}

static void tap_gap(void *user, const struct connection *c, enum dir dir, uint64_t off,
		    uint64_t len, unsigned causes)
{
	say_gap(&((struct fixture *)user)->tap, c->id, dir, off, len, causes);
}

static void conn_close(void *user, struct connection *c, void *listener)
{
	struct fixture *f = user;

	say(&f->tap, "|close ");
	say(&f->tap, c->id);
	say(&f->tap, " ");
	say(&f->tap, conn_end_name(c->end));
	if (listener != f || !c->closed_ns)
		say(&f->tap, " WRONG");
}

static void start(struct fixture *f, size_t conn_max)
{
	static const struct stream_ops ops = { process_of, library_of, conn_open,
					       tap_bytes,  tap_gap,    conn_close };
	static const struct message_ops messages;
	struct stream_config config = {
		.ops = &ops,
		.user = f,
		.protos = protos,
		.proto_cnt = 3,
		.messages = &messages,
		.counters = &f->counters,
		.conn_max = conn_max,
	};

	memset(f, 0, sizeof(*f));
	buf_init(&f->tap.text, 1 << 16);
	buf_init(&f->proto.text, 1 << 16);
	/* Room beforehand: what fails on order is to be the code under test. */
	buf_reserve(&f->tap.text, 4096);
	buf_reserve(&f->proto.text, 4096);
	f->stream = stream_new(&config);
}

static void stop(struct fixture *f)
{
	stream_free(f->stream);
	f->stream = NULL;
	buf_done(&f->tap.text);
	buf_done(&f->proto.text);
}

static const char *text_of(struct log *l)
{
	buf_reserve(&l->text, 1);
	l->text.data[l->text.len] = '\0';
	return (const char *)l->text.data;
}

static void chunk_at(struct fixture *f, uint64_t key, enum dir dir, uint64_t off, const char *data,
		     size_t len, unsigned causes)
{
	uint8_t *copy = guarded_copy(data, len);
	struct chunk c = {
		.conn_key = key,
		.pid = 100 + (pid_t)(key / 1000),
		.tid = 9,
		.library = 1,
		.dir = dir,
		.off = off,
		.gap_causes = causes,
		.ts_ns = 5,
		.data = copy,
		.len = len,
	};

	stream_chunk(f->stream, &c);
	guarded_free(copy, len);
	f->sent_off[dir] = off + len;
}

/* The next bytes of connection 1. */
static void next(struct fixture *f, enum dir dir, const char *data)
{
	chunk_at(f, 1, dir, f->sent_off[dir], data, strlen(data), 0);
}

static void end_conn(struct fixture *f, uint64_t key, uint64_t sent, uint64_t received,
		     unsigned causes)
{
	struct chunk_end e = {
		.conn_key = key,
		.pid = 100 + (pid_t)(key / 1000),
		.end = CONN_END_FREED,
		.total = { sent, received },
		.gap_causes = { causes, causes },
		.ts_ns = 6,
	};

	stream_conn_end(f->stream, &e);
}

static void check_logs(struct fixture *f, const char *want_tap, const char *want_proto)
{
	const char *tap = text_of(&f->tap), *proto = text_of(&f->proto);

	C_STR_EQ(tap, want_tap);
	C_STR_EQ(proto, want_proto);
}

static void test_bytes_in_order(void)
{
	struct fixture f;

	start(&f, 10);
	next(&f, DIR_SENT, "AB:one");
	next(&f, DIR_SENT, " two");
	next(&f, DIR_RECEIVED, "three");
	next(&f, DIR_SENT, "four");
	end_conn(&f, 1, 14, 5, 0);
	check_logs(&f,
		   "|open 100.1|100.1 sent@0 AB:one two|100.1 received@0 three"
		   "|100.1 sent@10 four|close 100.1 freed",
		   "|ab opens|ab sent@0 AB:one two|ab received@0 three|ab sent@10 four"
		   "|end sent|end received|closes");
	INT_EQ(f.counters.stream.connections, 1);
	INT_EQ(f.counters.stream.connections_closed, 1);
	INT_EQ(f.counters.stream.bytes, 19);
	INT_EQ(f.counters.stream.gaps, 0);
	stop(&f);
}

static void test_gaps(void)
{
	struct fixture f;

	start(&f, 10);
	chunk_at(&f, 1, DIR_SENT, 0, "AB:", 3, 0);
	chunk_at(&f, 1, DIR_SENT, 10, "x", 1, GAP_UNREADABLE | GAP_TOO_LONG);
	chunk_at(&f, 1, DIR_SENT, 11, "y", 1, GAP_RING_FULL);
	chunk_at(&f, 1, DIR_SENT, 20, "z", 1, 0);
	chunk_at(&f, 1, DIR_RECEIVED, 30, "", 0, GAP_RING_FULL);
	check_logs(&f,
		   "|open 100.1|100.1 sent@0 AB:|100.1 sent@3 gap 7 causes 6|100.1 sent@10 xy"
		   "|100.1 sent@12 gap 8 causes 16|100.1 sent@20 z"
		   "|100.1 received@0 gap 30 causes 1",
		   "|ab opens|ab sent@0 AB:|ab sent@3 gap 7 causes 6|ab sent@10 xy"
		   "|ab sent@12 gap 8 causes 16|ab sent@20 z|ab received@0 gap 30 causes 1");
	INT_EQ(f.counters.stream.gaps, 3);
	INT_EQ(f.counters.stream.gap_bytes, 45);
	INT_EQ(f.counters.stream.gap_bytes_by[0], 30);
	INT_EQ(f.counters.stream.gap_bytes_by[1], 7);
	INT_EQ(f.counters.stream.gap_bytes_by[2], 0);
	INT_EQ(f.counters.stream.gap_bytes_by[4], 8);
	stop(&f);
}

static void test_overlap_is_refused(void)
{
	struct fixture f;

	start(&f, 10);
	chunk_at(&f, 1, DIR_SENT, 0, "AB:12", 5, 0);
	chunk_at(&f, 1, DIR_SENT, 4, "23", 2, 0);
	chunk_at(&f, 1, DIR_SENT, 0, "AB:12", 5, 0);
	chunk_at(&f, 1, DIR_SENT, 5, "3", 1, 0);
	check_logs(&f, "|open 100.1|100.1 sent@0 AB:123", "|ab opens|ab sent@0 AB:123");
	INT_EQ(f.counters.stream.bytes_refused, 7);
	INT_EQ(f.counters.stream.bytes, 6);
	stop(&f);
}

static void test_ids_count_in_each_process(void)
{
	struct fixture f;

	start(&f, 10);
	chunk_at(&f, 1, DIR_SENT, 0, "a", 1, 0);
	chunk_at(&f, 1001, DIR_SENT, 0, "b", 1, 0);
	end_conn(&f, 1, 1, 0, 0);
	chunk_at(&f, 2, DIR_SENT, 0, "c", 1, 0);
	chunk_at(&f, 1002, DIR_SENT, 0, "d", 1, 0);
	check_logs(&f,
		   "|open 100.1|100.1 sent@0 a|open 101.1|101.1 sent@0 b|close 100.1 freed"
		   "|open 100.2|100.2 sent@0 c|open 101.2|101.2 sent@0 d",
		   "|any opens|any sent@0 a|any opens|any sent@0 b|end sent|end received|closes"
		   "|any opens|any sent@0 c|any opens|any sent@0 d");
	stop(&f);
	INT_EQ(f.counters.stream.connections, 4);
	INT_EQ(f.counters.stream.connections_closed, 4);
}

static void test_loss_at_the_end(void)
{
	struct fixture f;

	start(&f, 10);
	next(&f, DIR_SENT, "AB:");
	end_conn(&f, 1, 7, 2, GAP_RING_FULL);
	/* Forgotten: the same key is another connection now. */
	chunk_at(&f, 1, DIR_SENT, 0, "x", 1, 0);
	check_logs(&f,
		   "|open 100.1|100.1 sent@0 AB:|100.1 sent@3 gap 4 causes 1"
		   "|100.1 received@0 gap 2 causes 1|close 100.1 freed|open 100.2|100.2 sent@0 x",
		   "|ab opens|ab sent@0 AB:|ab sent@3 gap 4 causes 1|ab received@0 gap 2 causes 1"
		   "|end sent|end received|closes|any opens|any sent@0 x");
	stop(&f);
}

static void test_end_of_one_never_seen(void)
{
	struct fixture f;

	start(&f, 10);
	end_conn(&f, 1, 0, 0, 0);
	check_logs(&f, "", "");
	INT_EQ(f.counters.stream.connections, 0);
	end_conn(&f, 2, 0, 9, 0);
	check_logs(&f, "|open 100.1|100.1 received@0 gap 9 causes 16|close 100.1 freed",
		   "|any opens|any received@0 gap 9 causes 16|end sent|end received|closes");
	INT_EQ(f.counters.stream.connections_closed, 1);
	stop(&f);
}

static void test_too_many_connections(void)
{
	struct fixture f;

	start(&f, 1);
	chunk_at(&f, 1, DIR_SENT, 0, "a", 1, 0);
	chunk_at(&f, 2, DIR_SENT, 0, "bcd", 3, 0);
	end_conn(&f, 2, 3, 0, 0);
	end_conn(&f, 1, 1, 0, 0);
	chunk_at(&f, 3, DIR_SENT, 0, "e", 1, 0);
	check_logs(&f, "|open 100.1|100.1 sent@0 a|close 100.1 freed|open 100.2|100.2 sent@0 e",
		   "|any opens|any sent@0 a|end sent|end received|closes|any opens|any sent@0 e");
	INT_EQ(f.counters.stream.bytes_refused, 3);
	stop(&f);
}

static void test_a_refused_connection(void)
{
	struct fixture f;

	start(&f, 10);
	f.refuse = true;
	next(&f, DIR_SENT, "AB:");
	INT_EQ(f.counters.stream.bytes_refused, 3);
	INT_EQ(f.counters.stream.connections, 0);
	check_logs(&f, "", "");
	stop(&f);
}

static void test_held_bytes_come_in_order(void)
{
	struct fixture f;

	start(&f, 10);
	next(&f, DIR_RECEIVED, "A");
	next(&f, DIR_SENT, "A");
	check_logs(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 A", "");
	next(&f, DIR_SENT, "B");
	next(&f, DIR_SENT, ":1");
	check_logs(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 AB:1",
		   "|ab opens|ab received@0 A|ab sent@0 AB:1");
	stop(&f);
}

static void test_held_bytes_at_the_end(void)
{
	struct fixture f;

	start(&f, 10);
	next(&f, DIR_RECEIVED, "A");
	next(&f, DIR_SENT, "AB");
	end_conn(&f, 1, 2, 1, 0);
	check_logs(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 AB|close 100.1 freed",
		   "|any opens|any received@0 A|any sent@0 AB|end sent|end received|closes");
	stop(&f);
}

static void test_held_bytes_before_a_gap(void)
{
	struct fixture f;

	start(&f, 10);
	next(&f, DIR_SENT, "AB");
	chunk_at(&f, 1, DIR_SENT, 4, "AB:", 3, 0);
	check_logs(&f, "|open 100.1|100.1 sent@0 AB|100.1 sent@2 gap 2 causes 16|100.1 sent@4 AB:",
		   "|any opens|any sent@0 AB|any sent@2 gap 2 causes 16|closes|ab opens"
		   "|ab sent@4 AB:");
	stop(&f);
}

/* A text in turns, "<" before what is received and ">" before what is sent, "_" for a lost byte. */
struct talk {
	struct fixture *f;
	const char *text;
	const char *want_proto;
	unsigned bad;
	char got[512];
};

static void talk_part(struct talk *t, enum dir *dir, size_t from, size_t to)
{
	while (from < to) {
		size_t len = strcspn(t->text + from, "<>_");

		if (len > to - from)
			len = to - from;
		if (len) {
			chunk_at(t->f, 1, *dir, t->f->sent_off[*dir], t->text + from, len, 0);
			from += len;
			continue;
		}
		if (t->text[from] == '_')
			t->f->sent_off[*dir]++;
		else
			*dir = t->text[from] == '>' ? DIR_SENT : DIR_RECEIVED;
		from++;
	}
}

static void talk_cut(void *user, const size_t *cuts, size_t cut_cnt)
{
	size_t at = 0, len;
	struct talk *t = user;
	enum dir dir = DIR_SENT;
	struct fixture f;

	t->f = &f;
	len = strlen(t->text);
	start(&f, 10);
	for (size_t i = 0; i <= cut_cnt; i++) {
		size_t to = i < cut_cnt ? cuts[i] : len;

		talk_part(t, &dir, at, to);
		at = to;
	}
	end_conn(&f, 1, f.sent_off[DIR_SENT], f.sent_off[DIR_RECEIVED], 0);
	if (strcmp(text_of(&f.proto), t->want_proto)) {
		t->bad++;
		snprintf(t->got, sizeof(t->got), "%s", text_of(&f.proto));
	}
	stop(&f);
}

static void talk(const char *text, const char *want_proto)
{
	struct talk t = { .text = text, .want_proto = want_proto };

	for_each_split(strlen(text), talk_cut, &t);
	if (!OK_MSG(!t.bad, "any split of %s", text))
		tap_note("%u splits differ, as: %s, wanted: %s", t.bad, t.got, want_proto);
}

#define ENDS "|end sent|end received|closes"

static void test_any_split_gives_the_same(void)
{
	talk(">AB:1<AB:2>3", "|ab opens|ab sent@0 AB:1|ab received@0 AB:2|ab sent@4 3" ENDS);
	talk(">ABx<1", "|any opens|any sent@0 ABx|any received@0 1" ENDS);
	talk(">A<A>B:<B:", "|ab opens|ab sent@0 AB:|ab received@0 AB:" ENDS);
	talk("<A>AB:", "|ab opens|ab received@0 A|ab sent@0 AB:" ENDS);
}

static void test_late_join(void)
{
	tap_note("after a turn");
	talk(">xAB:<AB:>y",
	     "|any opens|any sent@0 xAB:|closes|ab opens|ab received@0 AB:|ab sent@4 y" ENDS);
	talk(">x<AB>AB:",
	     "|any opens|any sent@0 x|any received@0 AB|closes|ab opens|ab sent@1 AB:" ENDS);
	tap_note("after a gap");
	talk(">xx_AB:1", "|any opens|any sent@0 xx|any sent@2 gap 1 causes 16|closes|ab opens"
			 "|ab sent@3 AB:1" ENDS);
	talk(">x<A_>x", "|any opens|any sent@0 x|any received@0 A|any sent@1 x"
			"|any received@1 gap 1 causes 16" ENDS);
	talk("_<x", "|any opens|any received@0 x|any sent@0 gap 1 causes 16" ENDS);
	tap_note("not in the middle of a turn, and not when it only looks so at first");
	talk(">xAB:yAB:", "|any opens|any sent@0 xAB:yAB:" ENDS);
	talk(">x<ABAB:", "|any opens|any sent@0 x|any received@0 ABAB:" ENDS);
	talk(">x<AB", "|any opens|any sent@0 x|any received@0 AB" ENDS);
}

/* One that asks for more than it may is passed over; nothing is lost. */
static void test_a_protocol_that_never_decides(void)
{
	char text[200], want[300];

	snprintf(text, sizeof(text), "?%0*d", PROTO_PROBE_MAX + 20, 7);
	snprintf(want, sizeof(want), "|any opens|any sent@0 %s" ENDS, text);
	talk(text, want);
}

static void whole_life(struct fixture *f)
{
	next(f, DIR_RECEIVED, "A");
	next(f, DIR_SENT, "AB:1");
	chunk_at(f, 2, DIR_SENT, 0, "opaque", 6, 0);
	chunk_at(f, 2, DIR_RECEIVED, 4, "AB:", 3, GAP_RING_FULL);
	end_conn(f, 2, 6, 9, GAP_RING_FULL);
	end_conn(f, 3, 0, 3, GAP_UNREADABLE);
	/* What the kernel side and the collector would have counted. */
	f->counters.kernel.bytes_seen = 1 + 4 + 6 + 9 + 3;
	f->counters.kernel.bytes_dropped[0] = 6;
	f->counters.kernel.bytes_dropped[1] = 3;
	f->counters.kernel.bytes_sent = f->counters.collect.bytes = 14;
}

static void test_counters_balance(void)
{
	struct fixture f;

	start(&f, 10);
	whole_life(&f);
	stop(&f);
	OK(counters_balanced(&f.counters));
	INT_EQ(f.counters.stream.gap_bytes, 9);
	INT_EQ(f.counters.stream.gaps, 3);
	INT_EQ(f.counters.exchange.no_memory, 0);
}

/* Without memory something is left out, and the counters say so. */
static void test_without_memory(void)
{
	unsigned n, silent = 0, unbalanced = 0;

	for (n = 1; n < 100; n++) {
		struct fixture f;
		bool hit;

		start(&f, 10);
		fail_alloc_at(n);
		whole_life(&f);
		hit = fail_alloc_hit();
		fail_alloc_at(0);
		stop(&f);
		if (!hit)
			break;
		/* The end of a connection never seen has no bytes that could be refused. */
		if (!f.counters.stream.bytes_refused && !f.counters.exchange.no_memory &&
		    f.counters.stream.connections == 3)
			silent++;
		unbalanced += f.counters.stream.bytes + f.counters.stream.bytes_refused != 14;
		unbalanced += f.counters.stream.connections != f.counters.stream.connections_closed;
	}
	OK_MSG(n > 10 && n < 100, "%u allocations made to fail", n - 1);
	OK_MSG(!silent, "none fails in silence");
	OK_MSG(!unbalanced, "every byte is passed on or refused");
}

static void test_no_stream_without_memory(void)
{
	struct fixture f;

	fail_alloc_at(3);
	start(&f, 10);
	OK(fail_alloc_hit());
	fail_alloc_at(0);
	OK(!f.stream);
	stop(&f);
}

int main(void)
{
	RUN(test_bytes_in_order);
	RUN(test_gaps);
	RUN(test_overlap_is_refused);
	RUN(test_ids_count_in_each_process);
	RUN(test_loss_at_the_end);
	RUN(test_end_of_one_never_seen);
	RUN(test_too_many_connections);
	RUN(test_a_refused_connection);
	RUN(test_held_bytes_come_in_order);
	RUN(test_held_bytes_at_the_end);
	RUN(test_held_bytes_before_a_gap);
	RUN(test_any_split_gives_the_same);
	RUN(test_late_join);
	RUN(test_a_protocol_that_never_decides);
	RUN(test_counters_balance);
	RUN(test_without_memory);
	RUN(test_no_stream_without_memory);
	return tap_done();
}

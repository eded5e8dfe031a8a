// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "model/conn_info.h"
#include "model/gap.h"
#include "stream/stream.h"
#include "stream_fixture.h"
#include "tap.h"

static void test_bytes_in_order(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_next(&f, DIR_SENT, "AB:one");
	fixture_next(&f, DIR_SENT, " two");
	fixture_next(&f, DIR_RECEIVED, "three");
	fixture_next(&f, DIR_SENT, "four");
	fixture_end(&f, 1, 14, 5, 0);
	fixture_check(&f,
		      "|open 100.1|100.1 sent@0 AB:one two|100.1 received@0 three"
		      "|100.1 sent@10 four|close 100.1 freed",
		      "|ab opens|ab sent@0 AB:one two|ab received@0 three|ab sent@10 four"
		      "|end sent|end received|closes");
	INT_EQ(f.counters.stream.connections, 1);
	INT_EQ(f.counters.stream.connections_closed, 1);
	INT_EQ(f.counters.stream.bytes, 19);
	INT_EQ(f.counters.stream.gaps, 0);
	fixture_stop(&f);
}

static void test_gaps(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_chunk(&f, 1, DIR_SENT, 0, "AB:", 3, 0);
	fixture_chunk(&f, 1, DIR_SENT, 10, "x", 1, GAP_UNREADABLE | GAP_TOO_LONG);
	fixture_chunk(&f, 1, DIR_SENT, 11, "y", 1, GAP_RING_FULL);
	fixture_chunk(&f, 1, DIR_SENT, 20, "z", 1, 0);
	fixture_chunk(&f, 1, DIR_RECEIVED, 30, "", 0, GAP_RING_FULL);
	fixture_check(&f,
		      "|open 100.1|100.1 sent@0 AB:|100.1 sent@3 gap 7 causes 6|100.1 sent@10 xy"
		      "|100.1 sent@12 gap 8 causes 32|100.1 sent@20 z"
		      "|100.1 received@0 gap 30 causes 1",
		      "|ab opens|ab sent@0 AB:|ab sent@3 gap 7 causes 6|ab sent@10 xy"
		      "|ab sent@12 gap 8 causes 32|ab sent@20 z|ab received@0 gap 30 causes 1");
	INT_EQ(f.counters.stream.gaps, 3);
	INT_EQ(f.counters.stream.gap_bytes, 45);
	INT_EQ(f.counters.stream.gap_bytes_by[0], 30);
	INT_EQ(f.counters.stream.gap_bytes_by[1], 7);
	INT_EQ(f.counters.stream.gap_bytes_by[2], 0);
	INT_EQ(f.counters.stream.gap_bytes_by[5], 8);
	fixture_stop(&f);
}

/* Known before its first bytes, known later, never known. */
static void test_descriptions(void)
{
	struct conn_info info = { .conn_key = 1, .pid = 100, .tid = 7, .library = 1, .ts_ns = 4 };
	struct fixture f;

	fixture_start(&f, 10);
	snprintf(info.local, sizeof(info.local), "1.2.3.4:5");
	stream_conn_info(f.stream, &info);
	fixture_next(&f, DIR_SENT, "AB:1");
	fixture_chunk(&f, 2, DIR_SENT, 0, "AB:2", 4, 0);
	info.conn_key = 2;
	stream_conn_info(f.stream, &info);
	fixture_chunk(&f, 3, DIR_SENT, 0, "AB:3", 4, 0);
	fixture_check(&f,
		      "|open 100.1|100.1 sent@0 AB:1|open 100.2|100.2 sent@0 AB:2|open 100.3"
		      "|100.3 sent@0 AB:3",
		      "|ab opens|ab sent@0 AB:1|ab opens|ab sent@0 AB:2|ab opens|ab sent@0 AB:3");
	for (uint64_t key = 1; key <= 3; key++)
		fixture_end(&f, key, 4, 0, 0);
	INT_EQ(f.counters.stream.connections, 3);
	INT_EQ(f.counters.stream.connections_unaddressed, 1);
	fixture_stop(&f);
}

static void test_overlap_is_refused(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_chunk(&f, 1, DIR_SENT, 0, "AB:12", 5, 0);
	fixture_chunk(&f, 1, DIR_SENT, 4, "23", 2, 0);
	fixture_chunk(&f, 1, DIR_SENT, 0, "AB:12", 5, 0);
	fixture_chunk(&f, 1, DIR_SENT, 5, "3", 1, 0);
	fixture_check(&f, "|open 100.1|100.1 sent@0 AB:123", "|ab opens|ab sent@0 AB:123");
	INT_EQ(f.counters.stream.bytes_refused, 7);
	INT_EQ(f.counters.stream.bytes, 6);
	fixture_stop(&f);
}

static void test_ids_count_in_each_process(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_chunk(&f, 1, DIR_SENT, 0, "a", 1, 0);
	fixture_chunk(&f, 1001, DIR_SENT, 0, "b", 1, 0);
	fixture_end(&f, 1, 1, 0, 0);
	fixture_chunk(&f, 2, DIR_SENT, 0, "c", 1, 0);
	fixture_chunk(&f, 1002, DIR_SENT, 0, "d", 1, 0);
	fixture_check(&f,
		      "|open 100.1|100.1 sent@0 a|open 101.1|101.1 sent@0 b|close 100.1 freed"
		      "|open 100.2|100.2 sent@0 c|open 101.2|101.2 sent@0 d",
		      "|any opens|any sent@0 a|any opens|any sent@0 b|end sent|end received|closes"
		      "|any opens|any sent@0 c|any opens|any sent@0 d");
	fixture_stop(&f);
	INT_EQ(f.counters.stream.connections, 4);
	INT_EQ(f.counters.stream.connections_closed, 4);
}

static void test_loss_at_the_end(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_next(&f, DIR_SENT, "AB:");
	fixture_end(&f, 1, 7, 2, GAP_RING_FULL);
	/* Forgotten: the same key is another connection now. */
	fixture_chunk(&f, 1, DIR_SENT, 0, "x", 1, 0);
	fixture_check(
		&f,
		"|open 100.1|100.1 sent@0 AB:|100.1 sent@3 gap 4 causes 1"
		"|100.1 received@0 gap 2 causes 1|close 100.1 freed|open 100.2|100.2 sent@0 x",
		"|ab opens|ab sent@0 AB:|ab sent@3 gap 4 causes 1|ab received@0 gap 2 causes 1"
		"|end sent|end received|closes|any opens|any sent@0 x");
	fixture_stop(&f);
}

static void test_end_of_one_never_seen(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_end(&f, 1, 0, 0, 0);
	fixture_check(&f, "", "");
	INT_EQ(f.counters.stream.connections, 0);
	fixture_end(&f, 2, 0, 9, 0);
	fixture_check(&f, "|open 100.1|100.1 received@0 gap 9 causes 32|close 100.1 freed",
		      "|any opens|any received@0 gap 9 causes 32|end sent|end received|closes");
	INT_EQ(f.counters.stream.connections_closed, 1);
	fixture_stop(&f);
}

static void test_too_many_connections(void)
{
	struct fixture f;

	fixture_start(&f, 1);
	fixture_chunk(&f, 1, DIR_SENT, 0, "a", 1, 0);
	fixture_chunk(&f, 2, DIR_SENT, 0, "bcd", 3, 0);
	fixture_end(&f, 2, 3, 0, 0);
	fixture_end(&f, 1, 1, 0, 0);
	fixture_chunk(&f, 3, DIR_SENT, 0, "e", 1, 0);
	fixture_check(
		&f, "|open 100.1|100.1 sent@0 a|close 100.1 freed|open 100.2|100.2 sent@0 e",
		"|any opens|any sent@0 a|end sent|end received|closes|any opens|any sent@0 e");
	INT_EQ(f.counters.stream.bytes_refused, 3);
	fixture_stop(&f);
}

static void test_a_refused_connection(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	f.refuse = true;
	fixture_next(&f, DIR_SENT, "AB:");
	INT_EQ(f.counters.stream.bytes_refused, 3);
	INT_EQ(f.counters.stream.connections, 0);
	fixture_check(&f, "", "");
	fixture_stop(&f);
}

static void test_held_bytes_come_in_order(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_next(&f, DIR_RECEIVED, "A");
	fixture_next(&f, DIR_SENT, "A");
	fixture_check(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 A", "");
	fixture_next(&f, DIR_SENT, "B");
	fixture_next(&f, DIR_SENT, ":1");
	fixture_check(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 AB:1",
		      "|ab opens|ab received@0 A|ab sent@0 AB:1");
	fixture_stop(&f);
}

static void test_held_bytes_at_the_end(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_next(&f, DIR_RECEIVED, "A");
	fixture_next(&f, DIR_SENT, "AB");
	fixture_end(&f, 1, 2, 1, 0);
	fixture_check(&f, "|open 100.1|100.1 received@0 A|100.1 sent@0 AB|close 100.1 freed",
		      "|any opens|any received@0 A|any sent@0 AB|end sent|end received|closes");
	fixture_stop(&f);
}

static void test_held_bytes_before_a_gap(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	fixture_next(&f, DIR_SENT, "AB");
	fixture_chunk(&f, 1, DIR_SENT, 4, "AB:", 3, 0);
	fixture_check(&f,
		      "|open 100.1|100.1 sent@0 AB|100.1 sent@2 gap 2 causes 32|100.1 sent@4 AB:",
		      "|any opens|any sent@0 AB|any sent@2 gap 2 causes 32|closes|ab opens"
		      "|ab sent@4 AB:");
	fixture_stop(&f);
}

static void whole_life(struct fixture *f)
{
	fixture_next(f, DIR_RECEIVED, "A");
	fixture_next(f, DIR_SENT, "AB:1");
	fixture_chunk(f, 2, DIR_SENT, 0, "opaque", 6, 0);
	fixture_chunk(f, 2, DIR_RECEIVED, 4, "AB:", 3, GAP_RING_FULL);
	fixture_end(f, 2, 6, 9, GAP_RING_FULL);
	fixture_end(f, 3, 0, 3, GAP_UNREADABLE);
	/* What the kernel side and the collector would have counted. */
	f->counters.kernel.bytes_seen = 1 + 4 + 6 + 9 + 3;
	f->counters.kernel.bytes_dropped[0] = 6;
	f->counters.kernel.bytes_dropped[1] = 3;
	f->counters.kernel.bytes_sent = f->counters.collect.bytes = 14;
}

static void test_counters_balance(void)
{
	struct fixture f;

	fixture_start(&f, 10);
	whole_life(&f);
	fixture_stop(&f);
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

		fixture_start(&f, 10);
		fail_alloc_at(n);
		whole_life(&f);
		hit = fail_alloc_hit();
		fail_alloc_at(0);
		fixture_stop(&f);
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
	fixture_start(&f, 10);
	OK(fail_alloc_hit());
	fail_alloc_at(0);
	OK(!f.stream);
	fixture_stop(&f);
}

int main(void)
{
	RUN(test_bytes_in_order);
	RUN(test_gaps);
	RUN(test_descriptions);
	RUN(test_overlap_is_refused);
	RUN(test_ids_count_in_each_process);
	RUN(test_loss_at_the_end);
	RUN(test_end_of_one_never_seen);
	RUN(test_too_many_connections);
	RUN(test_a_refused_connection);
	RUN(test_held_bytes_come_in_order);
	RUN(test_held_bytes_at_the_end);
	RUN(test_held_bytes_before_a_gap);
	RUN(test_counters_balance);
	RUN(test_without_memory);
	RUN(test_no_stream_without_memory);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/* Records made by hand; what comes out of the collector is logged as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "collect/collect.h"
#include "conn_record.h"
#include "model/counters.h"
#include "load_record.h"
#include "records.h"
#include "tap.h"

enum { DATA_LEN = 11, WALL_OFFSET = 1000 };

struct fixture {
	struct collector collector;
	struct counters counters;
	struct buf log;
	uint64_t next_off; /* of the last chunk: what continues it is no line of its own */
};

/* A record of any type, with room for bytes behind it. */
union any_record {
	struct rec_head head;
	struct rec_data data;
	struct rec_conn_end end;
	struct rec_process process;
	struct rec_pending pending;
	struct rec_load load;
	uint8_t bytes[128];
};

static void log_chunk(void *user, const struct chunk *c)
{
	struct fixture *f = user;

	if (f->log.len && c->off == f->next_off && !c->gap_causes) {
		buf_printf(&f->log, "%.*s", (int)c->len, c->data);
	} else {
		buf_printf(&f->log, "chunk %llx %d/%d lib %u %s @%llu causes %u ts %llu ",
			   (unsigned long long)c->conn_key, c->pid, c->tid, c->library,
			   dir_name(c->dir), (unsigned long long)c->off, c->gap_causes,
			   (unsigned long long)c->ts_ns);
		buf_printf(&f->log, "%.*s", (int)c->len, c->data);
	}
	f->next_off = c->off + c->len;
}

static void log_end(void *user, const struct chunk_end *e)
{
	struct fixture *f = user;

	buf_printf(&f->log, "end %llx %d/%d lib %u how %d total %llu,%llu causes %u,%u",
		   (unsigned long long)e->conn_key, e->pid, e->tid, e->library, e->end,
		   (unsigned long long)e->total[DIR_SENT],
		   (unsigned long long)e->total[DIR_RECEIVED], e->gap_causes[DIR_SENT],
		   e->gap_causes[DIR_RECEIVED]);
	buf_printf(&f->log,
		   " notify %d,%d failed %d closed %d broken %d cleared %d error %d status %d",
		   e->ending.notify_sent, e->ending.notify_received, e->ending.failed,
		   e->ending.peer_closed, e->ending.broken, e->ending.cleared,
		   e->ending.socket_error, e->ending.status);
	if (e->end == CONN_END_FREED)
		buf_printf(&f->log, " ts %llu", (unsigned long long)e->ts_ns);
}

static void log_process(void *user, const struct process_change *p)
{
	static const char *const names[] = { "forked", "executed", "exited" };
	struct fixture *f = user;

	buf_printf(&f->log, "%s %d parent %d status %d at %llu", names[p->event], p->pid, p->ppid,
		   p->status, (unsigned long long)p->monotonic_ns);
}

static void log_pending(void *user, const struct pending_call *p)
{
	struct fixture *f = user;

	buf_printf(
		&f->log,
		"pending %llx %d/%d lib %u %s @%llu causes %u ts %llu len %llu where %d addr %llx "
		"fd %d from %llu file %llu.%u.%u seq %llu last %d at %llu",
		(unsigned long long)p->chunk.conn_key, p->chunk.pid, p->chunk.tid, p->chunk.library,
		dir_name(p->chunk.dir), (unsigned long long)p->chunk.off, p->chunk.gap_causes,
		(unsigned long long)p->chunk.ts_ns, (unsigned long long)p->len, p->where,
		(unsigned long long)p->user_addr, p->fd, (unsigned long long)p->file_off,
		(unsigned long long)p->file.ino, p->file.dev, p->file.generation,
		(unsigned long long)p->release_seq, p->last_try,
		(unsigned long long)p->monotonic_ns);
}

static void log_load(void *user, const struct load_event *e)
{
	struct fixture *f = user;

	buf_printf(&f->log, "load %d/%d kind %d files %u held %d exec %d:%llx at %llu", e->pid,
		   e->tid, e->kind, e->file_cnt, e->is_held, e->dir_fd,
		   (unsigned long long)e->path_addr, (unsigned long long)e->monotonic_ns);
}

static void start(struct fixture *f)
{
	static const struct collect_ops ops = {
		.chunk = log_chunk,
		.conn_end = log_end,
		.process = log_process,
		.pending = log_pending,
		.load = log_load,
	};

	memset(f, 0, sizeof(*f));
	buf_init(&f->log, 4096);
	collector_init(&f->collector, &ops, f, &f->counters);
	f->collector.wall_offset_ns = WALL_OFFSET;
}

/* The first `len` bytes of `rec`, cut at `seam` as the ring's end would; the log so far. */
static const char *give(struct fixture *f, const union any_record *rec, size_t len, size_t seam)
{
	uint8_t *first = guarded_copy(rec->bytes, seam);
	uint8_t *second = guarded_copy(rec->bytes + seam, len - seam);
	struct ring_record r = { first, seam, second, len - seam };

	f->log.len = 0;
	collect_record(&f->collector, &r);
	guarded_free(first, seam);
	guarded_free(second, len - seam);
	buf_append_byte(&f->log, '\0');
	return (const char *)f->log.data;
}

static union any_record data_record(void)
{
	union any_record r = { 0 };

	r.data = (struct rec_data){
		.head = { REC_DATA, sizeof(r.data) + DATA_LEN, 500 },
		.conn = 0x123456789a,
		.off = 77,
		.pid = 10,
		.tid = 11,
		.target = 3,
		.len = DATA_LEN,
		.dir = REC_RECEIVED,
		.gap_causes = REC_GAP_RING_FULL | REC_GAP_TOO_LONG,
	};
	memcpy(r.bytes + sizeof(r.data), "hello world", DATA_LEN);
	return r;
}

static const char data_line[] = "chunk 123456789a 10/11 lib 3 received @77 causes 5 ts 1500 "
				"hello world";

static union any_record end_record(void)
{
	union any_record r = { 0 };

	r.end = (struct rec_conn_end){
		.head = { REC_CONN_END, sizeof(r.end), 600 },
		.conn = 0xabc,
		.total = { 40, 50 },
		.pid = 10,
		.tid = 12,
		.target = 4,
		.gap_causes = { REC_GAP_UNREADABLE, REC_GAP_RING_FULL },
		.closing = { CLOSING_KNOWS_NOTIFY | CLOSING_NOTIFY_SENT | CLOSING_BROKEN, 104 },
	};
	return r;
}

static const char end_line[] =
	"end abc 10/12 lib 4 how 1 total 40,50 causes 2,1 notify 2,1 failed 0 "
	"closed 0 broken 1 cleared 0 error 104 status 0 ts 1600";

static union any_record process_record(uint32_t type)
{
	union any_record r = { 0 };

	r.process = (struct rec_process){
		.head = { type, sizeof(r.process), 700 },
		.pid = 20,
		.ppid = 10,
		.exit_code = 0x8b,
	};
	return r;
}

/* Whole, cut anywhere, in a slot with room to spare; and no shorter part of it is taken. */
static void check_record(const union any_record *rec, const char *want)
{
	size_t size = rec->head.size, bad_seams = 0, bad_lens = 0;
	struct fixture f;
	const char *got;

	start(&f);
	got = give(&f, rec, size, size);
	C_STR_EQ(got, want);
	for (size_t seam = 0; seam <= size; seam++)
		bad_seams += strcmp(give(&f, rec, size, seam), want) != 0;
	for (size_t seam = 0; seam <= size + 8; seam++)
		bad_seams += strcmp(give(&f, rec, size + 8, seam), want) != 0;
	OK_MSG(!bad_seams, "the same wherever it wraps");
	INT_EQ(f.counters.collect.records, 2 * size + 11);
	INT_EQ(f.counters.collect.records_invalid, 0);
	for (size_t len = 0; len < size; len++)
		for (size_t seam = 0; seam <= len; seam++)
			bad_lens += strcmp(give(&f, rec, len, seam), "") != 0;
	OK_MSG(!bad_lens, "nothing comes of a shorter one");
	INT_EQ(f.counters.collect.records_invalid, size * (size + 1) / 2);
	INT_EQ(f.counters.collect.records, 2 * size + 11);
	buf_done(&f.log);
}

static void test_data(void)
{
	union any_record r = data_record();
	struct fixture f;

	check_record(&r, data_line);
	start(&f);
	give(&f, &r, r.head.size, 30);
	INT_EQ(f.counters.collect.bytes, DATA_LEN);
	INT_EQ(f.counters.collect.bytes_invalid, 0);
	r.data.dir = REC_SENT;
	OK(strstr(give(&f, &r, r.head.size, 60), " sent @77 ") != NULL);
	buf_done(&f.log);
}

static void test_end(void)
{
	union any_record r = end_record();

	check_record(&r, end_line);
}

static void test_processes(void)
{
	union any_record r = process_record(REC_FORK);

	check_record(&r, "forked 20 parent 10 status 139 at 700");
	r = process_record(REC_EXEC);
	check_record(&r, "executed 20 parent 10 status 139 at 700");
	r = process_record(REC_EXIT);
	check_record(&r, "exited 20 parent 10 status 139 at 700");
}

static void test_load(void)
{
	union any_record r = { 0 };

	r.load = (struct rec_load){
		.head = { REC_LOAD, sizeof(r.load), 800 },
		.pid = 30,
		.tid = 31,
		.file_cnt = 4,
		.is_held = 1,
	};
	check_record(&r, "load 30/31 kind 0 files 4 held 1 exec 0:0 at 800");
	r.load.why = LOAD_FORK;
	check_record(&r, "load 30/31 kind 1 files 4 held 1 exec 0:0 at 800");
	r.load.why = LOAD_EXEC;
	r.load.dir_fd = -100;
	r.load.path_addr = 0x1234;
	check_record(&r, "load 30/31 kind 2 files 4 held 1 exec -100:1234 at 800");
	r.load.why = LOAD_RECEIVER;
	check_record(&r, "load 30/31 kind 3 files 4 held 1 exec -100:1234 at 800");
}

static void refused(const char *what, const union any_record *r, size_t len, uint64_t bytes)
{
	struct fixture f;

	start(&f);
	OK_MSG(!strcmp(give(&f, r, len, len), ""), "refused: %s", what);
	INT_EQ(f.counters.collect.records, 0);
	INT_EQ(f.counters.collect.records_invalid, 1);
	INT_EQ(f.counters.collect.bytes, 0);
	INT_EQ(f.counters.collect.bytes_invalid, bytes);
	buf_done(&f.log);
}

static void test_broken_fields_of_data(void)
{
	static const struct {
		const char *what;
		uint32_t size_more, len, pid;
		uint8_t dir;
	} rows[] = {
		{ "no bytes", 0, 0, 10, 0 },
		{ "more bytes than a record may have", 0, REC_DATA_MAX + 1, 10, 0 },
		{ "a length that wraps the size", 0, 0xffffffff, 10, 0 },
		{ "a direction that there is not", 0, DATA_LEN, 10, REC_DIR_CNT },
		{ "no process", 0, DATA_LEN, 0, 0 },
		{ "a size one too large", 1, DATA_LEN, 10, 0 },
		{ "a size one too small", (uint32_t)-1, DATA_LEN, 10, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		union any_record r = data_record();

		r.data.len = rows[i].len;
		r.data.head.size = (uint32_t)sizeof(r.data) + rows[i].len + rows[i].size_more;
		r.data.pid = rows[i].pid;
		r.data.dir = rows[i].dir;
		refused(rows[i].what, &r, sizeof(r.data) + DATA_LEN + 8, DATA_LEN + 8);
	}
}

static union any_record pending_record(uint8_t where)
{
	union any_record r = { 0 };

	r.pending = (struct rec_pending){
		.head = { REC_PENDING, sizeof(r.pending), 800 },
		.conn = 0xabc,
		.off = 70,
		.user_addr = 0x7000,
		.len = 5000,
		.release_seq = 6,
		.pid = 10,
		.tid = 12,
		.target = 4,
		.dir = REC_SENT,
		.gap_causes = REC_GAP_RING_FULL,
		.last_try = 1,
		.where = where,
		.file_off = 900,
		.file = { 11, 22, 33 },
		.fd = 3,
	};
	return r;
}

static void test_pending(void)
{
	for (uint8_t where = 0; where <= PENDING_IN_FILE_HELD; where++) {
		union any_record r = pending_record(where);
		char want[300];

		snprintf(want, sizeof(want),
			 "pending abc 10/12 lib 4 sent @70 causes 1 ts 1800 len 5000 where %u addr "
			 "7000 fd 3 from 900 file 11.22.33 seq 6 last 1 at 800",
			 where);
		for (size_t seam = 0; seam <= sizeof(r.pending); seam++) {
			struct fixture f;

			start(&f);
			if (strcmp(give(&f, &r, sizeof(r.pending), seam), want) != 0)
				C_STR_EQ((const char *)f.log.data, want);
			INT_EQ(f.counters.collect.records, 1);
			buf_done(&f.log);
		}
	}
}

static void test_broken_pending(void)
{
	union any_record r = pending_record(PENDING_IN_FILE_HELD + 1);
	uint64_t more = sizeof(r.pending) - sizeof(r.data);

	refused("bytes that are nowhere", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_FILE);
	r.pending.fd = 0x80000000;
	refused("a descriptor below 0", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_FILE);
	r.pending.file_off = UINT64_MAX;
	refused("a place before the file", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_FILE_RUNNING);
	r.pending.file_off = INT64_MAX - 10;
	refused("bytes beyond the largest file", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_FILE);
	r.pending.len = 0;
	refused("no bytes", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_MEMORY);
	r.pending.pid = 0;
	refused("nobody's bytes", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_MEMORY);
	r.pending.dir = REC_DIR_CNT;
	refused("bytes that go nowhere", &r, sizeof(r.pending), more);
	r = pending_record(PENDING_IN_FILE);
	refused("a short one", &r, sizeof(r.pending) - 1, more - 1);
}

static void test_broken_heads(void)
{
	union any_record r = end_record();

	r.head.size++;
	refused("an end with a wrong size", &r, sizeof(r.end) + 8, 8);
	r = process_record(REC_EXIT);
	r.head.size--;
	refused("an exit with a wrong size", &r, sizeof(r.process) + 8, 0);
	r.load = (struct rec_load){ .head = { REC_LOAD, sizeof(r.load), 1 },
				    .why = LOAD_RECEIVER + 1 };
	refused("a load for a reason yet unknown", &r, sizeof(r.load), 0);
	r = data_record();
	r.head.type = 0;
	refused("type 0", &r, r.head.size, DATA_LEN);
	r.head.type = REC_LOAD + 1;
	refused("a type yet unknown", &r, r.head.size, DATA_LEN);
	r.head.type = 0xffffffff;
	refused("a type far off", &r, r.head.size, DATA_LEN);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void take_time(void *user, const struct chunk_end *end)
{
	*(uint64_t *)user = end->ts_ns;
}

static void test_clock(void)
{
	static const struct collect_ops ops = { .conn_end = take_time };
	union any_record r = end_record();
	struct counters counters = { 0 };
	struct collector c;
	uint64_t before = clock_ns(CLOCK_REALTIME), after, told = 0;
	struct ring_record rec = { r.bytes, sizeof(r.end), NULL, 0 };

	collector_init(&c, &ops, &told, &counters);
	r.head.ts_ns = clock_ns(CLOCK_MONOTONIC);
	collect_record(&c, &rec);
	after = clock_ns(CLOCK_REALTIME);
	/* The two clocks are not read at the same moment. */
	OK(told + 1000000000 >= before && told <= after + 1000000000);
}

static void test_state_of_a_connection(void)
{
	struct conn_state state = {
		.id = 0xdef,
		.off = { 5, 6 },
		.tid = 31,
		.target = 2,
		.gap_causes = { 0, REC_GAP_TOO_LONG },
		.notify = CLOSING_NOTIFY_RECEIVED | CLOSING_NOTIFY_SENT << CLOSING_SET_SHIFT,
	};
	struct conn_closing closing = { CLOSING_NOTIFY_RECEIVED | CLOSING_BROKEN, 104 };
	struct unsent_end unsent = { .state = state, .pid = 30 };
	struct fixture f;

	start(&f);
	collect_conn_state(&f.collector, 30, &state, CONN_END_PROCESS, &closing, 9);
	buf_append_byte(&f.log, '\0');
	C_STR_EQ((const char *)f.log.data,
		 "end def 30/31 lib 2 how 2 total 5,6 causes 0,4 notify 0,2 failed 0 closed 0 "
		 "broken 1 cleared 0 error 104 status 9");
	unsent.closing.flags = CLOSING_FAILED | CLOSING_PEER_CLOSED | CLOSING_CLEARED;
	f.log.len = 0;
	collect_unsent_end(&f.collector, &unsent);
	buf_append_byte(&f.log, '\0');
	OK(strstr((const char *)f.log.data,
		  "end def 30/31 lib 2 how 1 total 5,6 causes 0,4 notify 0,0 failed 1 closed 1 "
		  "broken 0 cleared 1 error 0 status 0 ts "));
	INT_EQ(f.counters.collect.records, 0);
	buf_done(&f.log);
}

static void test_kernel_stats(void)
{
	struct kernel_stats stats = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct fixture f;

	start(&f);
	collect_kernel_stats(&f.collector, &stats);
	INT_EQ(f.counters.kernel.calls, 1);
	INT_EQ(f.counters.kernel.bytes_seen, 2);
	INT_EQ(f.counters.kernel.bytes_sent, 3);
	INT_EQ(f.counters.kernel.bytes_dropped[__builtin_ctz(GAP_RING_FULL)], 4);
	INT_EQ(f.counters.kernel.bytes_dropped[__builtin_ctz(GAP_UNREADABLE)], 5);
	INT_EQ(f.counters.kernel.bytes_dropped[__builtin_ctz(GAP_TOO_LONG)], 6);
	INT_EQ(f.counters.kernel.bytes_dropped[__builtin_ctz(GAP_NOT_FOLLOWED)], 7);
	INT_EQ(f.counters.kernel.records_dropped, 8);
	INT_EQ(f.counters.kernel.states_dropped, 9);
	INT_EQ(f.counters.kernel.ends_dropped, 10);
	buf_done(&f.log);
}

int main(void)
{
	RUN(test_data);
	RUN(test_end);
	RUN(test_processes);
	RUN(test_load);
	RUN(test_broken_fields_of_data);
	RUN(test_pending);
	RUN(test_broken_pending);
	RUN(test_broken_heads);
	RUN(test_clock);
	RUN(test_state_of_a_connection);
	RUN(test_kernel_stats);
	return tap_done();
}

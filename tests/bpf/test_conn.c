// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/conn.bpf.h and emit.bpf.h: the numbering of bytes, pieces, and what is told of those that
 * are lost. The programs run in this process, so they read its memory; the test is the only
 * consumer of the ring, and there is none until it drains.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "attach/features.h"
#include "attach/privilege.h"
#include "bpf_run.h"
#include "collect/ring.h"
#include "conn_test.skel.h"
#include "conn_record.h"
#include "records.h"
#include "tap.h"

enum {
	SMALL_RING = 1 << 16,
	LARGE_RING = 1 << 22,
	TARGET = 5,
	RECORD_MAX = 4096,
	TEXT_LEN = 2 << 20,
	GUARD_LEN = 1 << 16,
};

#define THREAD (UINT64_C(77) << 32 | 78)

/* What a record said, without its bytes; those were compared when it was seen. */
struct seen {
	struct rec_head head;
	struct rec_data data;
	struct rec_conn_end end;
	bool bytes_right;
};

static struct conn_test_bpf *skel;
static struct ring *ring;
static struct seen seen[RECORD_MAX];
static size_t seen_cnt;
static uint8_t *text;	      /* the plaintext: TEXT_LEN bytes, GUARD_LEN unreadable ones behind */
static uint64_t text_from[2]; /* where in it the byte with number 0 of a direction is */
static bool with_dynptr, with_loop;

static void open_side(uint32_t ring_size)
{
	skel = conn_test_bpf__open();
	if (!skel)
		abort();
	skel->rodata->has_user_dynptr = with_dynptr;
	skel->rodata->has_bpf_loop = with_loop;
	skel->rodata->ring_size = ring_size;
	bpf_program__set_autoload(skel->progs.test_bytes, with_loop);
	bpf_program__set_autoload(skel->progs.test_room_try, with_loop);
	bpf_map__set_max_entries(skel->maps.ring, ring_size);
	if (conn_test_bpf__load(skel) || ring_open(bpf_map__fd(skel->maps.ring), ring_size, &ring))
		abort();
	text_from[0] = text_from[1] = 0;
	seen_cnt = 0;
}

static void close_side(void)
{
	ring_close(ring);
	conn_test_bpf__destroy(skel);
}

static void see(void *user, const struct ring_record *rec)
{
	static uint8_t bytes[REC_DATA_MAX];
	struct seen *s = &seen[seen_cnt++];

	if (seen_cnt == RECORD_MAX)
		abort();
	memset(s, 0, sizeof(*s));
	ring_record_copy(rec, 0, &s->head, sizeof(s->head));
	if (s->head.type == REC_CONN_END)
		ring_record_copy(rec, 0, &s->end, sizeof(s->end));
	if (s->head.type != REC_DATA)
		return;
	ring_record_copy(rec, 0, &s->data, sizeof(s->data));
	if (s->data.len > REC_DATA_MAX || s->data.dir > 1)
		return;
	s->bytes_right = ring_record_copy(rec, sizeof(s->data), bytes, s->data.len) ==
				 s->data.len &&
			 !memcmp(bytes, text + text_from[s->data.dir] + s->data.off, s->data.len);
}

static void drain(void)
{
	seen_cnt = 0;
	ring_drain(ring, RECORD_MAX, see, NULL);
}

static void call_at(uint64_t object, unsigned dir, const void *addr, uint64_t len)
{
	uint64_t args[] = { object, THREAD, dir, (uint64_t)(uintptr_t)addr, len };
	int64_t r = bpf_run(with_loop ? skel->progs.test_bytes : skel->progs.test_bytes_no_callback,
			    args, 5);

	if (r)
		OK_MSG(false, "the program runs: %lld", (long long)r);
}

static void end(uint64_t object)
{
	uint64_t args[] = { object, THREAD, 0, 0, 0 };

	INT_EQ(bpf_run(skel->progs.test_end, args, 5), 0);
}

static bool state_of(uint64_t object, struct conn_state *ret)
{
	struct conn_key key = { .object = object, .pid = THREAD >> 32 };

	return !bpf_map__lookup_elem(skel->maps.conns, &key, sizeof(key), ret, sizeof(*ret), 0);
}

/* Passes the next `len` bytes of the text. */
static void pass(uint64_t object, unsigned dir, uint64_t len)
{
	struct conn_state state = { 0 };

	state_of(object, &state);
	call_at(object, dir, text + text_from[dir] + state.off[dir], len);
}

static struct kernel_stats stats_now(void)
{
	int cpus = libbpf_num_possible_cpus();
	struct kernel_stats *each = calloc((size_t)cpus, sizeof(*each)), sum = { 0 };
	uint32_t zero = 0;

	if (bpf_map__lookup_elem(skel->maps.stats, &zero, sizeof(zero), each,
				 (size_t)cpus * sizeof(*each), 0))
		abort();
	for (int i = 0; i < cpus; i++)
		for (size_t k = 0; k < sizeof(sum) / sizeof(uint64_t); k++)
			((uint64_t *)&sum)[k] += ((uint64_t *)&each[i])[k];
	free(each);
	return sum;
}

/* Whatever happened: each byte was sent, or lost for one reason. */
static void check_balance(void)
{
	struct kernel_stats s = stats_now();

	INT_EQ(s.bytes_sent + s.bytes_ring_full + s.bytes_unreadable + s.bytes_too_long,
	       s.bytes_seen);
}

static void check_data(size_t i, unsigned dir, uint64_t off, uint32_t len, unsigned causes)
{
	const struct rec_data *d = &seen[i].data;

	if (!OK_MSG(i < seen_cnt && seen[i].head.type == REC_DATA, "record %zu has data", i))
		return;
	OK_MSG(d->dir == dir && d->off == off && d->len == len && d->gap_causes == causes,
	       "record %zu: dir %u off %llu len %u causes %u", i, d->dir,
	       (unsigned long long)d->off, d->len, d->gap_causes);
	OK_MSG(d->head.size == sizeof(*d) + len && d->pid == 77 && d->tid == 78 &&
		       d->target == TARGET && !d->pad16 && !d->pad32 && d->head.ts_ns,
	       "record %zu: the rest of its head", i);
	OK_MSG(seen[i].bytes_right, "record %zu: its bytes", i);
}

static void test_numbers(void)
{
	struct kernel_stats s;

	open_side(SMALL_RING);
	pass(1, REC_SENT, 100);
	pass(1, REC_RECEIVED, 1);
	pass(1, REC_SENT, 0);
	pass(1, REC_SENT, 300);
	pass(1, REC_RECEIVED, 5000);
	pass(2, REC_SENT, 7);
	drain();
	INT_EQ(seen_cnt, 5);
	check_data(0, REC_SENT, 0, 100, 0);
	check_data(1, REC_RECEIVED, 0, 1, 0);
	check_data(2, REC_SENT, 100, 300, 0);
	check_data(3, REC_RECEIVED, 1, 5000, 0);
	check_data(4, REC_SENT, 0, 7, 0);
	OK(seen[0].data.conn == seen[3].data.conn);
	OK(seen[0].data.conn != seen[4].data.conn);
	s = stats_now();
	INT_EQ(s.calls, 5);
	INT_EQ(s.bytes_seen, 5408);
	INT_EQ(s.bytes_sent, 5408);
	close_side();
}

/* Around each size of slot, and of a piece. */
static void test_sizes(void)
{
	static const uint32_t sizes[] = { 1,	127,  128,  129,  255,	256,   257,  1023,
					  1024, 1025, 4095, 4096, 4097, 16383, 16384 };
	const size_t cnt = sizeof(sizes) / sizeof(sizes[0]);
	uint64_t off = 0;

	open_side(LARGE_RING);
	for (size_t i = 0; i < cnt; i++)
		pass(1, REC_SENT, sizes[i]);
	pass(1, REC_SENT, 3 * REC_DATA_MAX + 1);
	drain();
	INT_EQ(seen_cnt, cnt + 4);
	for (size_t i = 0; i < cnt; i++) {
		check_data(i, REC_SENT, off, sizes[i], 0);
		off += sizes[i];
	}
	for (size_t i = cnt; i < cnt + 4; i++) {
		check_data(i, REC_SENT, off, i < cnt + 3 ? REC_DATA_MAX : 1, 0);
		off += REC_DATA_MAX;
	}
	check_balance();
	close_side();
}

static void test_end(void)
{
	struct conn_state state;

	open_side(SMALL_RING);
	end(1);
	pass(1, REC_SENT, 10);
	pass(1, REC_RECEIVED, 20);
	end(1);
	end(1);
	OK_MSG(!state_of(1, &state), "forgotten");
	pass(1, REC_SENT, 1);
	drain();
	INT_EQ(seen_cnt, 4);
	INT_EQ(seen[2].head.type, REC_CONN_END);
	INT_EQ(seen[2].head.size, sizeof(struct rec_conn_end));
	INT_EQ(seen[2].end.conn, seen[0].data.conn);
	INT_EQ(seen[2].end.total[REC_SENT], 10);
	INT_EQ(seen[2].end.total[REC_RECEIVED], 20);
	INT_EQ(seen[2].end.pid, 77);
	INT_EQ(seen[2].end.tid, 78);
	INT_EQ(seen[2].end.closing.flags, CLOSING_FAILED);
	INT_EQ(seen[2].end.closing.socket_error, 104);
	INT_EQ(seen[2].end.target, TARGET);
	INT_EQ(seen[2].end.gap_causes[0] | seen[2].end.gap_causes[1], 0);
	check_data(3, REC_SENT, 0, 1, 0);
	OK_MSG(seen[3].data.conn != seen[0].data.conn, "the same object is another connection");
	close_side();
}

static int64_t is_used(uint64_t object)
{
	uint64_t args[] = { object, THREAD, 0, 0, 0 };

	return bpf_run(skel->progs.test_is_used, args, 5);
}

/* What tells a program's clearing of an object from that of a handshake. */
static void test_used(void)
{
	open_side(SMALL_RING);
	INT_EQ(is_used(1), 0);
	pass(1, REC_SENT, 0);
	INT_EQ(is_used(1), 0);
	pass(1, REC_RECEIVED, 1);
	INT_EQ(is_used(1), 1);
	INT_EQ(is_used(2), 0);
	pass(2, REC_SENT, 1);
	INT_EQ(is_used(2), 1);
	close_side();
}

/* Three pieces of the most fit into the small ring, the fourth does not, a small one does again. */
static void test_ring_full(void)
{
	struct kernel_stats s;

	open_side(SMALL_RING);
	pass(1, REC_SENT, 4 * REC_DATA_MAX + 100);
	pass(1, REC_RECEIVED, REC_DATA_MAX);
	s = stats_now();
	INT_EQ(s.calls, 2);
	INT_EQ(s.bytes_sent, 3 * REC_DATA_MAX + 100);
	INT_EQ(s.bytes_ring_full, 2 * REC_DATA_MAX);
	INT_EQ(s.records_ring_full, 2);
	check_balance();
	drain();
	INT_EQ(seen_cnt, 4);
	check_data(2, REC_SENT, 2 * REC_DATA_MAX, REC_DATA_MAX, 0);
	check_data(3, REC_SENT, 4 * REC_DATA_MAX, 100, REC_GAP_RING_FULL);
	/* What was lost last is told by the next that gets through, once. */
	pass(1, REC_SENT, 1);
	pass(1, REC_RECEIVED, 1);
	pass(1, REC_RECEIVED, 1);
	drain();
	INT_EQ(seen_cnt, 3);
	check_data(0, REC_SENT, 4 * REC_DATA_MAX + 100, 1, 0);
	check_data(1, REC_RECEIVED, REC_DATA_MAX, 1, REC_GAP_RING_FULL);
	check_data(2, REC_RECEIVED, REC_DATA_MAX + 1, 1, 0);
	close_side();
}

static unsigned unsent_cnt(uint64_t *ret_id)
{
	unsigned cnt = 0;
	uint64_t id;
	int fd = bpf_map__fd(skel->maps.unsent_ends);

	for (int r = bpf_map_get_next_key(fd, NULL, &id); !r;
	     r = bpf_map_get_next_key(fd, &id, &id)) {
		*ret_id = id;
		cnt++;
	}
	return cnt;
}

static void test_end_with_the_ring_full(void)
{
	struct conn_state state = { 0 };
	struct unsent_end unsent = { 0 };
	struct kernel_stats s;
	uint64_t id = 0, object = 1000;

	open_side(SMALL_RING);
	pass(1, REC_RECEIVED, 3);
	pass(1, REC_SENT, 4 * REC_DATA_MAX);
	OK(state_of(1, &state));
	/* Ends of others take the room that is left, down to the smallest record. */
	while (!unsent_cnt(&id) && object < 2000) {
		pass(object, REC_SENT, 0);
		end(object++);
	}
	INT_EQ(unsent_cnt(&id), 1);
	end(1);
	INT_EQ(unsent_cnt(&id), 2);
	INT_EQ(bpf_map_lookup_elem(bpf_map__fd(skel->maps.unsent_ends), &state.id, &unsent), 0);
	INT_EQ(unsent.pid, 77);
	INT_EQ(unsent.closing.flags, CLOSING_FAILED);
	INT_EQ(unsent.closing.socket_error, 104);
	OK(unsent.state.id == state.id);
	INT_EQ(unsent.state.off[REC_SENT], 4 * REC_DATA_MAX);
	INT_EQ(unsent.state.off[REC_RECEIVED], 3);
	INT_EQ(unsent.state.gap_causes[REC_SENT], REC_GAP_RING_FULL);
	INT_EQ(unsent.state.gap_causes[REC_RECEIVED], 0);
	OK(!state_of(1, &state));
	s = stats_now();
	INT_EQ(s.records_ring_full, 3);
	INT_EQ(s.ends_dropped, 0);
	close_side();
}

/* Ends in the ring carry what was lost last, too. */
static void test_end_after_a_loss(void)
{
	open_side(SMALL_RING);
	pass(1, REC_SENT, 4 * REC_DATA_MAX);
	end(1);
	drain();
	INT_EQ(seen_cnt, 4);
	INT_EQ(seen[3].head.type, REC_CONN_END);
	INT_EQ(seen[3].end.total[REC_SENT], 4 * REC_DATA_MAX);
	INT_EQ(seen[3].end.gap_causes[REC_SENT], REC_GAP_RING_FULL);
	close_side();
}

/* The last bytes of the text are followed by memory that cannot be read. */
static void test_unreadable(void)
{
	struct kernel_stats s;

	open_side(LARGE_RING);
	call_at(1, REC_SENT, text + TEXT_LEN - 50, 100);
	call_at(1, REC_SENT, NULL, 5);
	text_from[0] = 0;
	pass(1, REC_SENT, 10);
	s = stats_now();
	INT_EQ(s.bytes_unreadable, 105);
	INT_EQ(s.bytes_sent, 10);
	INT_EQ(s.records_ring_full, 0);
	drain();
	INT_EQ(seen_cnt, 1);
	check_data(0, REC_SENT, 105, 10, REC_GAP_UNREADABLE);
	check_balance();
	close_side();
}

/* Of a long call the readable pieces are kept. */
static void test_unreadable_in_pieces(void)
{
	struct kernel_stats s;

	open_side(LARGE_RING);
	text_from[0] = TEXT_LEN - REC_DATA_MAX - 50;
	pass(1, REC_SENT, 2 * REC_DATA_MAX + 70);
	text_from[0] = 0;
	pass(1, REC_SENT, 10);
	s = stats_now();
	INT_EQ(s.bytes_unreadable, REC_DATA_MAX + 70);
	drain();
	INT_EQ(seen_cnt, 2);
	INT_EQ(seen[0].data.off, 0);
	INT_EQ(seen[0].data.len, REC_DATA_MAX);
	check_data(1, REC_SENT, 2 * REC_DATA_MAX + 70, 10, REC_GAP_UNREADABLE);
	check_balance();
	close_side();
}

/* One call of more pieces than a kernel without loops can cut. */
static void test_long_call(void)
{
	uint64_t most = (uint64_t)REC_PIECES_MAX_NO_LOOP * REC_DATA_MAX, len = most + 100;
	struct kernel_stats s;
	size_t bad = 0;

	open_side(LARGE_RING);
	pass(1, REC_SENT, len);
	pass(1, REC_SENT, 10);
	s = stats_now();
	INT_EQ(s.bytes_too_long, with_loop ? 0 : 100);
	INT_EQ(s.bytes_seen, len + 10);
	check_balance();
	drain();
	INT_EQ(seen_cnt, REC_PIECES_MAX_NO_LOOP + (with_loop ? 2 : 1));
	for (size_t i = 0; i < REC_PIECES_MAX_NO_LOOP; i++)
		bad += seen[i].data.off != i * REC_DATA_MAX || seen[i].data.len != REC_DATA_MAX ||
		       seen[i].data.gap_causes || !seen[i].bytes_right;
	OK_MSG(!bad, "the pieces follow one another");
	if (with_loop)
		check_data(REC_PIECES_MAX_NO_LOOP, REC_SENT, most, 100, 0);
	check_data(seen_cnt - 1, REC_SENT, len, 10, with_loop ? 0 : REC_GAP_TOO_LONG);
	close_side();
}

/* Of `cnt` short records, each with a consumer in that state: how many woke it. */
static unsigned woken_by(unsigned cnt, enum consumer_state state)
{
	struct capture_control control;
	uint32_t zero = 0;
	unsigned woken = 0;

	for (unsigned i = 0; i < cnt; i++) {
		control = (struct capture_control){ .consumer = state };
		if (bpf_map__update_elem(skel->maps.control, &zero, sizeof(zero), &control,
					 sizeof(control), 0))
			abort();
		pass(1, REC_SENT, 1);
		if (bpf_map__lookup_elem(skel->maps.control, &zero, sizeof(zero), &control,
					 sizeof(control), 0))
			abort();
		woken += control.consumer != state;
	}
	return woken;
}

/* Of the records that come in a nap one in sixteen looks how full the ring is, whatever the clock.
 */
static void test_waking(void)
{
	unsigned woken;

	open_side(LARGE_RING);
	INT_EQ(woken_by(5, CONSUMER_ASLEEP), 5);
	INT_EQ(woken_by(5, CONSUMER_AWAKE), 0);
	INT_EQ(woken_by(200, CONSUMER_NAPPING), 0);
	for (unsigned i = 0; i < LARGE_RING / 4 / REC_DATA_MAX; i++)
		pass(1, REC_RECEIVED, REC_DATA_MAX);
	woken = woken_by(640, CONSUMER_NAPPING);
	OK_MSG(woken > 0 && woken < 160, "ring filled to a quarter: %u of 640 wake", woken);
	close_side();
}

static int64_t run_with(const struct bpf_program *prog, uint64_t len)
{
	uint64_t args[] = { 1, THREAD, 0, 0, len };

	return bpf_run(prog, args, 5);
}

/* What is promised for a piece is what it takes. */
static void test_room_of_piece(void)
{
	static const uint32_t sizes[] = { 1,	127,  128,  129,  255,	256,   257,  263,
					  1024, 1025, 4095, 4096, 4097, 16383, 16384 };

	open_side(LARGE_RING);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t before = ring_used(ring);

		pass(1, REC_SENT, sizes[i]);
		INT_EQ(run_with(skel->progs.test_room_of_piece, sizes[i]),
		       ring_used(ring) - before);
	}
	close_side();
}

/* Three quarters of the ring, filled and promised together. */
static void test_room_is_promised(void)
{
	uint64_t promised;

	if (!with_loop)
		return;
	open_side(SMALL_RING);
	INT_EQ(run_with(skel->progs.test_room_try, SMALL_RING / 2), 1);
	INT_EQ(run_with(skel->progs.test_room_try, SMALL_RING / 4 + 1), 0);
	INT_EQ(run_with(skel->progs.test_room_try, SMALL_RING / 4), 1);
	INT_EQ(run_with(skel->progs.test_room_try, 1), 0);
	INT_EQ(skel->bss->room_promised, SMALL_RING / 4 * 3);
	skel->bss->room_promised = 0;
	pass(1, REC_SENT, REC_DATA_MAX);
	promised = SMALL_RING / 4 * 3 - ring_used(ring);
	INT_EQ(run_with(skel->progs.test_room_try, promised + 1), 0);
	INT_EQ(run_with(skel->progs.test_room_try, promised), 1);
	drain();
	INT_EQ(run_with(skel->progs.test_room_try, SMALL_RING / 4 * 3 - promised), 1);
	close_side();
}

static void run_all(void)
{
	RUN(test_room_of_piece);
	RUN(test_room_is_promised);
	RUN(test_numbers);
	RUN(test_sizes);
	RUN(test_end);
	RUN(test_used);
	RUN(test_ring_full);
	RUN(test_end_with_the_ring_full);
	RUN(test_end_after_a_loss);
	RUN(test_unreadable);
	RUN(test_unreadable_in_pieces);
	RUN(test_long_call);
	RUN(test_waking);
}

static void make_text(void)
{
	text = mmap(NULL, TEXT_LEN + GUARD_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (text == MAP_FAILED || mprotect(text + TEXT_LEN, GUARD_LEN, PROT_NONE))
		abort();
	/* No two places alike, as far as a piece reaches. */
	for (uint32_t i = 0; i < TEXT_LEN / 4; i++)
		memcpy(text + 4 * (size_t)i, &i, sizeof(i));
}

int main(void)
{
	struct error err = { 0 };
	struct features f;

	if (privilege_check(&err) < 0 || features_probe(0, NULL, &f, &err) < 0) {
		tap_skip("connections", err.text);
		return tap_done();
	}
	make_text();
	for (int i = 0; i < 4; i++) {
		with_dynptr = i & 1;
		with_loop = i & 2;
		tap_note("%s user dynptr, %s loops", with_dynptr ? "with" : "without",
			 with_loop ? "with" : "without");
		if ((with_dynptr && !f.has[FEATURE_USER_DYNPTR]) ||
		    (with_loop && !f.has[FEATURE_LOOP]))
			tap_skip("connections", "this kernel has not that feature");
		else
			run_all();
	}
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf/lib/sendfile.bpf.h and file.bpf.h: which file a descriptor stands for, what is told of a call
 * that sends a piece of it, and that the program is stopped for it. The programs run in this
 * process, or in a child where they stop it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/features.h"
#include "attach/privilege.h"
#include "bpf_run.h"
#include "collect/ring.h"
#include "records.h"
#include "sendfile_test.skel.h"
#include "tap.h"

enum { RING_SIZE = 1 << 12, RECORD_MAX = 256, OBJECT = 0x5500, FILE_OFF = 123456 };

static struct sendfile_test_bpf *skel;
static struct ring *ring;
static struct rec_pending seen[RECORD_MAX];
static size_t seen_cnt;
static bool with_loop;

static void open_side(uint32_t pause)
{
	struct capture_control control = { .pause = pause };
	uint32_t zero = 0;

	skel = sendfile_test_bpf__open();
	if (!skel)
		abort();
	skel->rodata->has_bpf_loop = with_loop;
	skel->rodata->ring_size = RING_SIZE;
	bpf_program__set_autoload(skel->progs.test_end, with_loop);
	bpf_map__set_max_entries(skel->maps.ring, RING_SIZE);
	if (sendfile_test_bpf__load(skel) ||
	    ring_open(bpf_map__fd(skel->maps.ring), RING_SIZE, &ring) ||
	    bpf_map__update_elem(skel->maps.control, &zero, sizeof(zero), &control, sizeof(control),
				 0))
		abort();
}

static void close_side(void)
{
	ring_close(ring);
	sendfile_test_bpf__destroy(skel);
}

static void see(void *user, const struct ring_record *rec)
{
	if (seen_cnt == RECORD_MAX ||
	    ring_record_copy(rec, 0, &seen[seen_cnt], sizeof(seen[0])) != sizeof(seen[0]) ||
	    seen[seen_cnt].head.type != REC_PENDING ||
	    seen[seen_cnt].head.size != sizeof(seen[0])) {
		OK_MSG(false, "a record of a call that sends a file");
		return;
	}
	seen_cnt++;
}

static void drain(void)
{
	seen_cnt = 0;
	ring_drain(ring, RECORD_MAX, see, NULL);
}

static int64_t run(const struct bpf_program *prog, uint64_t fd, uint64_t len)
{
	uint64_t args[] = { OBJECT, (uint64_t)getpid() << 32 | (uint32_t)gettid(), fd, FILE_OFF,
			    len };

	return bpf_run(prog, args, 5);
}

static int64_t begin(int fd)
{
	return run(skel->progs.test_begin, (uint64_t)fd, 0);
}

static int64_t end(uint64_t len)
{
	return run(with_loop ? skel->progs.test_end : skel->progs.test_end_no_callback, 0, len);
}

static struct conn_state state_now(void)
{
	struct conn_key key = { .object = OBJECT, .pid = (uint32_t)getpid() };
	struct conn_state state = { 0 };

	OK(!bpf_map__lookup_elem(skel->maps.conns, &key, sizeof(key), &state, sizeof(state), 0));
	return state;
}

static struct file_id id_of(int fd)
{
	INT_EQ(begin(fd), 0);
	return state_now().file;
}

static bool same(struct file_id a, struct file_id b)
{
	return a.ino == b.ino && a.dev == b.dev && a.generation == b.generation;
}

static void test_which_file(void)
{
	static const struct file_id none;
	int one = memfd_create("one", 0), other = memfd_create("other", 0), twin = dup(one);
	struct file_id id;
	struct stat st;

	open_side(PAUSE_NEVER);
	id = id_of(one);
	OK(fstat(one, &st) == 0 && id.ino == st.st_ino && id.ino);
	OK(same(id, id_of(twin)));
	OK(!same(id, id_of(other)));
	OK_MSG(same(none, id_of(-1)), "no descriptor");
	OK_MSG(same(none, id_of(1000000)), "beyond the table");
	close(twin);
	OK_MSG(same(none, id_of(twin)), "closed");
	OK(dup2(other, one) == one && same(id_of(one), id_of(other)));
	close(one);
	close(other);
	close_side();
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

static void check_record(size_t i, uint64_t off, uint64_t len, uint8_t causes, uint32_t pid, int fd)
{
	const struct rec_pending *r = &seen[i];

	if (!OK_MSG(i < seen_cnt, "record %zu", i))
		return;
	OK_MSG(r->off == off && r->len == len && r->gap_causes == causes && r->dir == REC_SENT,
	       "record %zu: off %llu len %llu causes %u dir %u", i, r->off, r->len, r->gap_causes,
	       r->dir);
	OK_MSG(r->pid == pid && r->tid && r->target == 5 && r->conn && r->head.ts_ns &&
		       r->fd == (uint32_t)fd && r->file_off == FILE_OFF && !r->user_addr &&
		       !r->pad32,
	       "record %zu: the rest of it", i);
}

static void test_numbers(void)
{
	int fd = memfd_create("one", 0);
	struct kernel_stats s;
	struct file_id id;

	open_side(PAUSE_NEVER);
	id = id_of(fd);
	INT_EQ(end(100), 0);
	/* A call that failed. */
	INT_EQ(end(0), 0);
	INT_EQ(end(UINT64_C(1) << 31), 0);
	drain();
	INT_EQ(seen_cnt, 2);
	check_record(0, 0, 100, 0, (uint32_t)getpid(), fd);
	check_record(1, 100, UINT64_C(1) << 31, 0, (uint32_t)getpid(), fd);
	OK(seen[0].where == PENDING_IN_FILE_RUNNING && seen[0].last_try);
	OK(same(seen[0].file, id));
	INT_EQ(state_now().off[REC_SENT], (UINT64_C(1) << 31) + 100);
	INT_EQ(state_now().off[REC_RECEIVED], 0);
	s = stats_now();
	INT_EQ(s.calls, 2);
	INT_EQ(s.bytes_seen, (UINT64_C(1) << 31) + 100);
	INT_EQ(s.bytes_sent, s.bytes_seen);
	close(fd);
	close_side();
}

static void test_ring_full(void)
{
	int fd = memfd_create("one", 0);
	unsigned fit = RING_SIZE / (sizeof(struct rec_pending) + 8);
	struct kernel_stats s;

	open_side(PAUSE_NEVER);
	begin(fd);
	for (unsigned i = 0; i < fit + 2; i++)
		end(10);
	s = stats_now();
	INT_EQ(s.bytes_sent, 10 * fit);
	INT_EQ(s.bytes_ring_full, 20);
	INT_EQ(s.records_ring_full, 2);
	drain();
	INT_EQ(seen_cnt, fit);
	end(7);
	end(7);
	drain();
	check_record(0, 10 * (fit + 2), 7, REC_GAP_RING_FULL, (uint32_t)getpid(), fd);
	check_record(1, 10 * (fit + 2) + 7, 7, 0, (uint32_t)getpid(), fd);
	close(fd);
	close_side();
}

/* A child, as it is the running process that is stopped. */
static void test_stop(void)
{
	int fd = memfd_create("one", 0), status = 0;
	struct pause_state paused = { 0 };
	struct kernel_stats s;
	uint32_t key;
	pid_t child;

	open_side(PAUSE_FOR_LONG_CALLS);
	child = fork();
	if (!child)
		_exit(begin(fd) || end(100));
	key = (uint32_t)child;
	INT_EQ(waitpid(child, &status, WUNTRACED), child);
	OK_MSG(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "stopped: %x", status);
	drain();
	INT_EQ(seen_cnt, 1);
	check_record(0, 0, 100, 0, key, fd);
	INT_EQ(seen[0].where, PENDING_IN_FILE);
	INT_EQ(seen[0].release_seq, 0);
	OK(!bpf_map__lookup_elem(skel->maps.paused, &key, sizeof(key), &paused, sizeof(paused), 0));
	INT_EQ(paused.stop_cnt, 1);
	INT_EQ(paused.pending_cnt, 1);
	s = stats_now();
	INT_EQ(s.bytes_sent, 100);
	kill(child, SIGCONT);
	INT_EQ(waitpid(child, &status, 0), child);
	INT_EQ(status, 0);
	close(fd);
	close_side();
}

/* The record does not fit: the bytes are lost, and the process is known to have been stopped. */
static void test_stop_with_the_ring_full(void)
{
	int fd = memfd_create("one", 0), status = 0;
	struct pause_state paused = { 0 };
	struct kernel_stats s;
	uint32_t key;
	pid_t child;

	open_side(PAUSE_FOR_LONG_CALLS);
	child = fork();
	if (!child) {
		begin(fd);
		while (!end(10) && !stats_now().bytes_ring_full)
			;
		_exit(0);
	}
	key = (uint32_t)child;
	while (waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status))
		kill(child, SIGCONT);
	INT_EQ(status, 0);
	OK(!bpf_map__lookup_elem(skel->maps.paused, &key, sizeof(key), &paused, sizeof(paused), 0));
	s = stats_now();
	INT_EQ(s.bytes_ring_full, 10);
	INT_EQ(s.bytes_sent + s.bytes_ring_full, s.bytes_seen);
	INT_EQ(paused.pending_cnt, s.bytes_sent / 10);
	INT_EQ(paused.stop_cnt, paused.pending_cnt + 1);
	close(fd);
	close_side();
}

static void run_all(void)
{
	RUN(test_which_file);
	RUN(test_numbers);
	RUN(test_ring_full);
	RUN(test_stop);
	RUN(test_stop_with_the_ring_full);
}

int main(void)
{
	struct error err = { 0 };
	struct features f;

	if (privilege_check(&err) < 0 || features_probe(0, NULL, &f, &err) < 0) {
		tap_skip("sent files", err.text);
		return tap_done();
	}
	for (int i = 0; i < 2; i++) {
		with_loop = i;
		tap_note("%s loops", with_loop ? "with" : "without");
		if (with_loop && !f.has[FEATURE_LOOP])
			tap_skip("sent files", "this kernel has not that feature");
		else
			run_all();
	}
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * The check of places inside a library, on a private copy of the system's libssl: a right place
 * passes it without a word; a wrong one is noticed, told, and replaced by the exported functions,
 * and no byte of the calls that go on meanwhile is lost without being told.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/features.h"
#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "base/log.h"
#include "collect/ring.h"
#include "discover/ld_cache.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"
#include "model/target.h"
#include "records.h"
#include "tap.h"

enum { CALLS = 400, SIZE = 100, THREADS = 8 };
/* Both sides send and receive it all. */
#define BYTES_PER_RUN (4ull * CALLS * SIZE)

enum { RING_SIZE = 1 << 24, FLOW_MAX = 4 * THREADS + 4 };

/* One direction of a connection: what its records say of it. */
struct flow {
	uint64_t conn;
	uint8_t dir;
	uint64_t off;	  /* where the next record must go on, unless it tells of a hole */
	uint64_t missing; /* in holes that were told */
};

static struct flow flows[FLOW_MAX];
static size_t flow_cnt;
static unsigned untold_cnt; /* holes without a cause, and bytes twice */
static struct ring *ring;
static unsigned warning_cnt;
static char last_warning[640];

static void hear(void *user, enum log_level level, const char *text)
{
	if (level != LOG_WARNING)
		return;
	warning_cnt++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct flow *flow_of(uint64_t conn, uint8_t dir)
{
	for (size_t i = 0; i < flow_cnt; i++)
		if (flows[i].conn == conn && flows[i].dir == dir)
			return &flows[i];
	if (flow_cnt == FLOW_MAX)
		return NULL;
	flows[flow_cnt] = (struct flow){ .conn = conn, .dir = dir };
	return &flows[flow_cnt++];
}

static void go_on(uint64_t conn, uint8_t dir, uint64_t off, uint64_t len, unsigned causes)
{
	struct flow *f = flow_of(conn, dir);

	if (!f || off < f->off || (off > f->off && causes != REC_GAP_NOT_FOLLOWED)) {
		untold_cnt++;
		return;
	}
	f->missing += off - f->off;
	f->off = off + len;
}

static void see(void *user, const struct ring_record *rec)
{
	struct rec_head head;
	struct rec_data data;
	struct rec_conn_end end;

	ring_record_copy(rec, 0, &head, sizeof(head));
	if (head.type == REC_DATA) {
		ring_record_copy(rec, 0, &data, sizeof(data));
		go_on(data.conn, data.dir, data.off, data.len, data.gap_causes);
	} else if (head.type == REC_CONN_END) {
		ring_record_copy(rec, 0, &end, sizeof(end));
		for (uint8_t dir = 0; dir < REC_DIR_CNT; dir++)
			go_on(end.conn, dir, end.total[dir], 0, end.gap_causes[dir]);
	}
}

static uint64_t missing(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < flow_cnt; i++)
		sum += flows[i].missing;
	return sum;
}

/* A copy of the system's libssl in `dir`, as a target with id 1; NULL: there is none. */
static struct target *private_copy(const char *dir)
{
	struct target_list list;
	struct target *t = NULL;
	struct stat st;
	char path[PATH_MAX];
	int from, to;

	target_list_init(&list);
	if (discover_loader_cache(LD_CACHE_PATH, &list, NULL, NULL) <= 0)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", dir, strrchr(list.items[0]->path, '/') + 1);
	from = list.items[0]->fd;
	to = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to >= 0 && fstat(from, &st) == 0 &&
	    sendfile(to, from, &(off_t){ 0 }, (size_t)st.st_size) == st.st_size &&
	    tls_library_examine(to, path, 0, &t, NULL) == 0)
		t->id = 1;
	close(to);
	target_list_done(&list);
	return t;
}

/* The pair, watched from its first instruction, for which it waits. */
static pid_t start_pair(struct kernel_side *k, const char *dir, const char *count,
			const char *threads)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("LD_LIBRARY_PATH", dir, 1);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		raise(SIGSTOP);
		execl(getenv("PLAINTAP_TLS_PAIR"), "tls_pair", "--count", count, "--size", "100",
		      "--threads", threads, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, WUNTRACED);
	kernel_side_watch(k, pid);
	return pid;
}

/* True when it ended well. */
static bool finish_pair(struct kernel_side *k, pid_t pid)
{
	int status = 0;

	kill(pid, SIGCONT);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		kernel_side_check(k, now_ns());
		ring_drain(ring, SIZE_MAX, see, NULL);
		usleep(1000);
	}
	ring_drain(ring, SIZE_MAX, see, NULL);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct kernel_stats stats_of(struct kernel_side *k)
{
	struct kernel_stats stats = { 0 };

	kernel_tables_stats(k, &stats);
	return stats;
}

static struct kernel_side *open_side(unsigned forbidden)
{
	const struct kernel_side_options opt = { .ring_size = RING_SIZE, .forbidden = forbidden };
	struct kernel_side *k = NULL;
	struct error err = { 0 };

	OK_MSG(kernel_side_open(&opt, &k, &err) == 0 && kernel_side_wait(k, &err) == 0, "opens: %s",
	       err.text);
	flow_cnt = untold_cnt = warning_cnt = 0;
	if (k && ring_open(kernel_side_ring_fd(k), RING_SIZE, &ring) < 0)
		abort();
	return k;
}

static void expect_right(const char *dir, struct target *t, unsigned forbidden)
{
	struct kernel_side *k = open_side(forbidden);
	struct error err = { 0 };

	if (!k)
		return;
	t->user = start_pair(k, dir, "400", "1");
	OK_MSG(kernel_side_attach(k, t, false, &err) == 0, "attaches: %s", err.text);
	OK(finish_pair(k, t->user));
	INT_EQ(stats_of(k).bytes_seen, BYTES_PER_RUN);
	INT_EQ(stats_of(k).states_dropped, 0);
	kernel_side_detach(k, NULL, NULL);
	OK_MSG(warning_cnt == 0, "nothing to say: %s", last_warning);
	INT_EQ(untold_cnt, 0);
	INT_EQ(missing(), 0);
	ring_close(ring);
	kernel_side_close(k);
}

static void test_right(const char *dir, struct target *t)
{
	expect_right(dir, t, 0);
	expect_right(dir, t, 1 << FEATURE_SESSION);
	expect_right(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI);
	expect_right(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI | 1 << FEATURE_COOKIE);
}

static void expect_told(struct kernel_side *k)
{
	struct kernel_stats stats = stats_of(k);

	INT_EQ(warning_cnt, 1);
	OK_MSG(strstr(last_warning, "captured wrongly") != NULL, "%s", last_warning);
	OK_MSG(missing() > 0, "%llu bytes are missing", (unsigned long long)missing());
	INT_EQ(stats.bytes_not_followed, missing());
	INT_EQ(stats.bytes_seen, stats.bytes_sent + missing());
	INT_EQ(stats.states_dropped, 0);
	INT_EQ(untold_cnt, 0);
}

/* From now on all of it is seen. */
static void expect_all(struct kernel_side *k, const char *dir)
{
	uint64_t before = stats_of(k).bytes_seen, missing_before = missing();

	OK(finish_pair(k, start_pair(k, dir, "400", "1")));
	INT_EQ(stats_of(k).bytes_seen - before, BYTES_PER_RUN);
	INT_EQ(missing(), missing_before);
	INT_EQ(untold_cnt, 0);
	INT_EQ(warning_cnt, 1);
	ring_close(ring);
	kernel_side_close(k);
}

/*
 * Many threads are in the midst of a call when the exported functions take over, half of them in
 * reads that wait. What the wrong place has missed is told, and nothing else is missing.
 */
static void expect_wrong(const char *dir, struct target *t, unsigned forbidden)
{
	struct kernel_side *k = open_side(forbidden);
	struct error err = { 0 };

	if (!k)
		return;
	t->user = start_pair(k, dir, "4000", "8");
	OK_MSG(kernel_side_attach(k, t, false, &err) == 0, "attaches: %s", err.text);
	OK(finish_pair(k, t->user));
	INT_EQ(stats_of(k).bytes_seen, 10 * THREADS * BYTES_PER_RUN);
	expect_told(k);
	OK_MSG(missing() < stats_of(k).bytes_seen / 4, "the rest of them was seen");
	expect_all(k, dir);
}

/* Whose calls are to be checked may be known only when it makes them. */
static void expect_wrong_later(const char *dir, struct target *t)
{
	struct kernel_side *k = open_side(0);
	struct error err = { 0 };
	pid_t pid;

	if (!k)
		return;
	pid = start_pair(k, dir, "20000", "1");
	t->user = 0;
	OK_MSG(kernel_side_attach(k, t, false, &err) == 0, "attaches: %s", err.text);
	kernel_side_used_by(k, t->id, pid);
	OK(finish_pair(k, pid));
	expect_told(k);
	expect_all(k, dir);
}

/* As if the worker's convention had been misread: it says 1 for every success. */
static void test_wrong(const char *dir, struct target *t)
{
	for (size_t i = 0; i < t->point_cnt; i++)
		if (t->points[i].role == PROBE_READ)
			t->points[i].len_from = PROBE_LEN_RESULT;
	expect_wrong(dir, t, 0);
	expect_wrong(dir, t, 1 << FEATURE_SESSION);
	expect_wrong(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI);
	expect_wrong(dir, t, 1 << FEATURE_SESSION | 1 << FEATURE_MULTI | 1 << FEATURE_COOKIE);
	expect_wrong_later(dir, t);
}

int main(void)
{
	char dir[] = "/tmp/plaintap-witness-XXXXXX";
	struct target *t;

	log_set(hear, NULL);
	if (geteuid() != 0) {
		tap_skip("the check of places", "needs root");
		return tap_done();
	}
	if (!mkdtemp(dir))
		return 1;
	t = private_copy(dir);
	if (!t || !t->fallback_cnt) {
		tap_skip("the check of places", "no libssl with workers on this machine");
	} else {
		test_right(dir, t);
		test_wrong(dir, t);
		unlink(t->path);
	}
	target_free(t);
	rmdir(dir);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/* Output files with a writer: the same bytes, marks and errors as without, some calls later. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/out_file.h"
#include "base/writer.h"
#include "tap.h"

enum { QUEUE = 1 << 20, BIG = 300000 };

static char dir[] = "/tmp/plaintap-test-XXXXXX";
static char path[64];
static uint8_t big[BIG];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* How many bytes the file has, and are they the first ones of `big`? -1 when not. */
static int64_t content(const char *name)
{
	static uint8_t got[2 * BIG];
	int fd = open(in_dir(name), O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));

	if (fd >= 0)
		close(fd);
	unlink(in_dir(name));
	return n < 0 || n > BIG || memcmp(got, big, (size_t)n) != 0 ? -1 : n;
}

static void open_queued(struct out_file *f, struct writer *w, const char *name)
{
	INT_EQ(out_file_open(f, AT_FDCWD, in_dir(name), name, false, OUT_FILE_BATCH, NULL), 0);
	out_file_use_writer(f, w);
}

/* `big` in pieces of ever other lengths, by write and give in turns, marked and flushed at times.
 */
static int write_big(struct out_file *f)
{
	size_t at = 0, len;
	int r = 0;

	for (unsigned i = 1; at < BIG && !r; i++, at += len) {
		len = i * 7919 % 50021;
		if (len > BIG - at)
			len = BIG - at;
		if (i % 2) {
			r = out_file_write(f, big + at, len);
		} else {
			struct buf b;

			buf_init(&b, BIG);
			r = buf_append(&b, big + at, len);
			/* A caller without memory for its line goes the other way. */
			r = r < 0 ? out_file_write(f, big + at, len) : out_file_give(f, &b);
			OK(b.len == 0);
			buf_done(&b);
		}
		if (!r)
			r = out_file_mark(f);
		if (!r && i % 3 == 0)
			r = out_file_flush(f);
	}
	return r;
}

static void test_all_bytes_in_order(void)
{
	/* Also when only one job fits. */
	for (size_t queue = 0; queue <= QUEUE; queue += QUEUE / 2) {
		struct writer *w = out_file_writer_new(queue);
		struct out_file f;

		open_queued(&f, w, "all");
		INT_EQ(write_big(&f), 0);
		INT_EQ(out_file_close(&f), 0);
		INT_EQ(out_file_written(&f), BIG);
		INT_EQ(f.safe, BIG);
		INT_EQ(content("all"), BIG);
		writer_free(w);
	}
}

/* Each write is a message of its own there: where does it end? */
static void test_batches_end_at_multiples(void)
{
	enum { BATCH = 4096, EARLY = 1000, TOTAL = 100000 };
	struct writer *w = out_file_writer_new(QUEUE);
	static uint8_t got[TOTAL];
	struct out_file f;
	size_t at = 0;
	ssize_t n;
	int ends[2];

	INT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	out_file_borrow(&f, ends[0], BATCH);
	out_file_use_writer(&f, w);
	INT_EQ(out_file_write(&f, big, EARLY), 0);
	INT_EQ(out_file_flush(&f), 0);
	for (size_t len, from = EARLY; from < TOTAL; from += len) {
		len = TOTAL - from < 700 ? TOTAL - from : 700;
		INT_EQ(out_file_write(&f, big + from, len), 0);
	}
	INT_EQ(out_file_close(&f), 0);
	close(ends[0]);
	while (at < TOTAL && (n = recv(ends[1], got + at, TOTAL - at, 0)) > 0) {
		at += (size_t)n;
		OK_MSG(at == EARLY || at == TOTAL || at % BATCH == 0, "a write ends at %zu", at);
	}
	OK_MSG(at == TOTAL && !memcmp(got, big, TOTAL), "all bytes");
	close(ends[1]);
	writer_free(w);
}

static void test_without_memory(void)
{
	unsigned n = 0;
	bool hit = true;

	while (hit && n < 1000) {
		struct writer *w = out_file_writer_new(QUEUE);
		struct out_file f;
		int r;

		open_queued(&f, w, "memory");
		fail_alloc_at(++n);
		r = write_big(&f);
		if (!r)
			r = out_file_close(&f);
		hit = fail_alloc_hit();
		fail_alloc_at(0);
		if (r || content("memory") != BIG || f.safe != BIG)
			break;
		writer_free(w);
	}
	OK_MSG(!hit && n > 10, "each of %u allocations failed once, nothing was lost", n);
}

static void test_create_pause_resume(void)
{
	struct writer *w = out_file_writer_new(QUEUE);
	struct out_file f = { .keep_partial = true };
	struct stat st;
	size_t at = 0;

	snprintf(path, sizeof(path), "%s/parts", dir);
	INT_EQ(out_file_create(&f, w, AT_FDCWD, path, false, OUT_FILE_BATCH), 0);
	OK(f.keep_partial);
	for (unsigned i = 0; i < 20; i++, at += 10000) {
		INT_EQ(out_file_write(&f, big + at, 10000), 0);
		INT_EQ(out_file_pause(&f), 0);
		INT_EQ(out_file_resume(&f, AT_FDCWD, path), 0);
	}
	INT_EQ(out_file_end(&f), 0);
	writer_wait(w, writer_newest(w));
	INT_EQ(f.fd, -1);
	OK(f.made);
	INT_EQ(stat(path, &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(content("parts"), 200000);
	writer_free(w);
}

/* The error comes back at the latest when the writer is through, and again from every call. */
static void check_error(struct out_file *f, struct writer *w, int error)
{
	out_file_write(f, big, 10);
	out_file_mark(f);
	out_file_flush(f);
	writer_wait(w, writer_newest(w));
	INT_EQ(out_file_flush(f), error);
	INT_EQ(out_file_write(f, big, BIG), error);
	INT_EQ(out_file_mark(f), error);
	INT_EQ(out_file_error(f), error);
	INT_EQ(out_file_close(f), error);
}

static void test_errors_of_writing(void)
{
	struct writer *w = out_file_writer_new(QUEUE);
	struct out_file full, other;
	int fds[2], shared = 0;

	signal(SIGPIPE, SIG_IGN);
	INT_EQ(out_file_open(&full, AT_FDCWD, "/dev/full", "", false, OUT_FILE_BATCH, NULL), 0);
	out_file_use_writer(&full, w);
	full.shared_error = &shared;
	open_queued(&other, w, "other");
	other.shared_error = &shared;
	check_error(&full, w, -ENOSPC);
	INT_EQ(out_file_written(&full), 0);
	INT_EQ(shared, -ENOSPC);
	/* The other one goes on. */
	INT_EQ(write_big(&other), 0);
	INT_EQ(out_file_close(&other), 0);
	INT_EQ(content("other"), BIG);

	INT_EQ(pipe(fds), 0);
	close(fds[0]);
	out_file_borrow(&other, fds[1], OUT_FILE_BATCH);
	out_file_use_writer(&other, w);
	other.shared_error = &shared;
	check_error(&other, w, -EPIPE);
	INT_EQ(shared, -ENOSPC);
	INT_EQ(close(fds[1]), 0);
	writer_free(w);
}

static void test_errors_of_opening(void)
{
	struct writer *w = out_file_writer_new(QUEUE);
	struct out_file f = { 0 };
	char missing[64], link[64];
	int shared = 0;

	snprintf(missing, sizeof(missing), "%s/no/such", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	INT_EQ(symlink("/dev/null", link), 0);
	f.shared_error = &shared;
	out_file_create(&f, w, AT_FDCWD, missing, false, OUT_FILE_BATCH);
	check_error(&f, w, -ENOENT);
	OK(!f.made);
	INT_EQ(shared, -ENOENT);
	f = (struct out_file){ 0 };
	out_file_create(&f, w, AT_FDCWD, link, true, OUT_FILE_BATCH);
	check_error(&f, w, -ELOOP);
	unlink(link);

	open_queued(&f, w, "gone");
	out_file_pause(&f);
	out_file_resume(&f, AT_FDCWD, missing);
	check_error(&f, w, -ENOENT);
	INT_EQ(content("gone"), 0);
	writer_free(w);
}

/* A file size limit stands for a disk that gets full in the middle of a record. */
static void fill_up(size_t batch, size_t record, rlim_t limit, int64_t kept)
{
	struct writer *w = out_file_writer_new(QUEUE);
	struct rlimit old, small;
	struct out_file f;
	size_t at = 0;
	int r = 0;

	INT_EQ(out_file_open(&f, AT_FDCWD, in_dir("full"), "", false, batch, NULL), 0);
	out_file_use_writer(&f, w);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = limit;
	setrlimit(RLIMIT_FSIZE, &small);
	for (; at + record <= BIG && !r; at += record) {
		struct buf b;

		buf_init(&b, record);
		buf_append(&b, big + at, record);
		r = out_file_give(&f, &b);
		if (!r)
			r = out_file_mark(&f);
		buf_done(&b);
	}
	INT_EQ(out_file_close(&f), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	INT_EQ(out_file_written(&f), kept);
	INT_EQ(content("full"), kept);
	writer_free(w);
}

static void test_full_disk_ends_after_a_record(void)
{
	signal(SIGXFSZ, SIG_IGN);
	fill_up(64, 10, 95, 90);
	fill_up(OUT_FILE_BATCH, 10, 1995, 1990);
	fill_up(OUT_FILE_BATCH, 1000, 70500, 70000);
	/* Records that are jobs of their own, and end with one. */
	fill_up(OUT_FILE_BATCH, 50000, 120000, 100000);
	fill_up(OUT_FILE_BATCH, 50000, 100000, 100000);
	fill_up(OUT_FILE_BATCH, 50000, 49999, 0);
}

/* A reader that does not read: what was given waits, and only as much as may. */
static void test_a_stuck_reader(void)
{
	struct writer *w = out_file_writer_new(QUEUE);
	static uint8_t got[65536];
	struct writer_stats stats;
	struct out_file f;
	size_t sum = 0;
	bool same = true;
	int fds[2];

	INT_EQ(pipe2(fds, O_NONBLOCK), 0);
	fcntl(fds[0], F_SETFL, 0);
	out_file_borrow(&f, fds[1], OUT_FILE_BATCH);
	out_file_use_writer(&f, w);
	INT_EQ(write_big(&f), 0);
	INT_EQ(out_file_flush(&f), 0);
	writer_stats(w, &stats);
	INT_EQ(stats.waits, 0);
	OK(stats.peak > BIG - 100000 && stats.peak <= QUEUE);
	while (sum < BIG) {
		ssize_t n = read(fds[0], got, sizeof(got));

		same &= n > 0 && !memcmp(got, big + sum, (size_t)n);
		sum += n > 0 ? (size_t)n : BIG;
	}
	OK_MSG(same && sum == BIG, "the reader gets all of it");
	INT_EQ(out_file_close(&f), 0);
	close(fds[0]);
	INT_EQ(close(fds[1]), 0);
	writer_free(w);
}

int main(void)
{
	OK(mkdtemp(dir) != NULL);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	RUN(test_all_bytes_in_order);
	RUN(test_batches_end_at_multiples);
	RUN(test_without_memory);
	RUN(test_create_pause_resume);
	RUN(test_errors_of_writing);
	RUN(test_errors_of_opening);
	RUN(test_full_disk_ends_after_a_record);
	RUN(test_a_stuck_reader);
	OK(rmdir(dir) == 0);
	return tap_done();
}

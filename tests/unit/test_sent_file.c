// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files that this process has open stand for those of a traced one. Whatever is not certain must be
 * missing: what the collector is given, and how much of it, is compared with the file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/sent_file.h"
#include "model/counters.h"
#include "tap.h"

enum { FILE_LEN = 10000, PIECE_LEN = 4096, FIRST_OFF = 700, GENERATION = 5 };

static const struct timespec long_ago = { .tv_sec = 1000000000 };

static struct {
	struct counters counters;
	uint8_t bytes[FILE_LEN];
	uint64_t len;
	int fd; /* the program's */
	char path[64];
	unsigned modify_at; /* this look at a piece finds the file modified; 0: none */
} f;

static uint8_t content[FILE_LEN];

static void take_chunk(void *user, const struct chunk *c)
{
	if (c->off != FIRST_OFF + f.len || f.len + c->len > sizeof(f.bytes)) {
		OK_MSG(false, "%zu bytes at %llu", c->len, (unsigned long long)c->off);
		return;
	}
	memcpy(f.bytes + f.len, c->data, c->len);
	f.len += c->len;
	if (f.modify_at && !--f.modify_at)
		OK(pwrite(f.fd, "x", 1, FILE_LEN - 1) == 1);
}

/* As the kernel side would, as far as this file system tells it. */
static int identify(void *user, int fd, struct file_id *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	*ret = (struct file_id){ st.st_ino, (uint32_t)st.st_dev, GENERATION };
	return 0;
}

static void open_file(void)
{
	const struct timespec times[2] = { long_ago, long_ago };

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 251);
	memset(&f, 0, sizeof(f));
	strcpy(f.path, "/tmp/plaintap-sent-XXXXXX");
	f.fd = mkstemp(f.path);
	if (f.fd < 0 || write(f.fd, content, FILE_LEN) != FILE_LEN || futimens(f.fd, times) < 0)
		abort();
}

static void close_file(void)
{
	close(f.fd);
	unlink(f.path);
}

static struct pending_call call_of(uint64_t file_off, uint64_t len)
{
	struct pending_call call = {
		.chunk = { .conn_key = 1, .pid = getpid(), .dir = DIR_SENT, .off = FIRST_OFF },
		.where = PENDING_IN_FILE,
		.len = len,
		.fd = f.fd,
		.file_off = file_off,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	call.monotonic_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	identify(NULL, f.fd, &call.file);
	return call;
}

/* How many bytes came; each was the file's. */
static uint64_t take(struct pending_call *call, bool stopped)
{
	static const struct collect_ops ops = { .chunk = take_chunk };
	uint8_t *buffer = malloc(PIECE_LEN);
	struct sent_file_reader r = { identify, NULL, buffer, PIECE_LEN };
	struct collector c;
	uint64_t n;

	collector_init(&c, &ops, NULL, &f.counters);
	f.len = 0;
	n = sent_file_read(&r, &c, call, stopped);
	free(buffer);
	INT_EQ(f.len, n);
	INT_EQ(call->chunk.off, FIRST_OFF + n);
	if (n)
		BYTES_EQ(f.bytes, f.len, content + call->file_off, n);
	return n;
}

static void test_pieces(void)
{
	static const uint64_t rows[][2] = { { 0, 1 },	    { 0, FILE_LEN }, { 1, 4096 },
					    { 4095, 4097 }, { 9999, 1 },     { 17, 8192 } };

	open_file();
	lseek(f.fd, 123, SEEK_SET);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int stopped = 0; stopped < 2; stopped++) {
			struct pending_call call = call_of(rows[i][0], rows[i][1]);

			INT_EQ(take(&call, stopped), rows[i][1]);
		}
	INT_EQ(lseek(f.fd, 0, SEEK_CUR), 123);
	unlink(f.path);
	{
		struct pending_call call = call_of(0, FILE_LEN);

		OK_MSG(take(&call, false) == FILE_LEN, "a deleted file is still there");
	}
	close_file();
}

static void test_short_file(void)
{
	struct pending_call call;

	open_file();
	call = call_of(9000, 1001);
	INT_EQ(take(&call, true), 1000);
	call = call_of(FILE_LEN, 1);
	INT_EQ(take(&call, true), 0);
	close_file();
}

static void test_another_file(void)
{
	struct pending_call call;

	open_file();
	call = call_of(0, 100);
	call.file.ino++;
	INT_EQ(take(&call, true), 0);
	call = call_of(0, 100);
	call.file.dev++;
	INT_EQ(take(&call, true), 0);
	call = call_of(0, 100);
	call.file.generation++;
	INT_EQ(take(&call, true), 0);
	call = call_of(0, 100);
	call.file = (struct file_id){ 0 };
	INT_EQ(take(&call, true), 0);
	call = call_of(0, 100);
	INT_EQ(take(&call, true), 100);
	close_file();
}

static void test_closed(void)
{
	struct pending_call call;
	pid_t child;
	int fd;

	open_file();
	call = call_of(0, 100);
	call.fd = dup(f.fd);
	close(call.fd);
	INT_EQ(take(&call, true), 0);
	call.fd = f.fd;
	child = fork();
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	call.chunk.pid = child;
	INT_EQ(take(&call, true), 0);
	/* No regular file, even if it has the right name. */
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	close(f.fd);
	f.fd = dup2(fd, f.fd);
	call = call_of(0, 100);
	INT_EQ(take(&call, true), 0);
	close(fd);
	close_file();
}

static void stamp(int64_t seconds, int64_t ms)
{
	struct timespec t[2];
	int64_t ns;

	clock_gettime(CLOCK_REALTIME, &t[0]);
	ns = t[0].tv_nsec + ms * 1000000 + seconds * 1000000000;
	t[0].tv_sec += ns / 1000000000;
	t[0].tv_nsec = ns % 1000000000;
	if (t[0].tv_nsec < 0) {
		t[0].tv_sec--;
		t[0].tv_nsec += 1000000000;
	}
	t[1] = t[0];
	OK(futimens(f.fd, t) == 0);
}

static void test_modified(void)
{
	struct pending_call call, again;

	open_file();
	call = call_of(0, 100);
	stamp(100, 0);
	OK_MSG(take(&call, true) == 0, "after the call");
	OK(take(&call, false) == 0);
	stamp(0, -1);
	call = again = call_of(0, 100);
	OK_MSG(take(&call, true) == 100, "just before the call, and stopped since");
	OK_MSG(take(&again, false) == 0, "just before the call, and running since: perhaps after");
	stamp(-10, 0);
	call = call_of(0, 100);
	OK_MSG(take(&call, false) == 100, "well before the call");
	close_file();
}

/* The second of three pieces is read before, the third after the modification. */
static void test_modified_while_read(void)
{
	struct pending_call call;

	open_file();
	call = call_of(0, FILE_LEN);
	/* So the stamp of now is later than the call, whatever its clock's tick. */
	call.monotonic_ns -= 1000000000;
	f.modify_at = 2;
	INT_EQ(take(&call, true), 2 * PIECE_LEN);
	close_file();
}

int main(void)
{
	RUN(test_pieces);
	RUN(test_short_file);
	RUN(test_another_file);
	RUN(test_closed);
	RUN(test_modified);
	RUN(test_modified_while_read);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/out_file.h"
#include "base/writer.h"
#include "sample.h"
#include "sink/dir.h"
#include "tap.h"

static char dir[] = "/tmp/plaintap-test-XXXXXX";
static char spec[64];
static char path[512];
static struct sink_options options;

/* With a writer, what was flushed is written now. */
static void settle(void)
{
	if (options.writer)
		writer_wait(options.writer, writer_newest(options.writer));
}

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s%s", spec, name);
	return path;
}

static void empty_dir(void)
{
	DIR *d = opendir(spec);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlink(in_dir(e->d_name));
	if (d)
		closedir(d);
	rmdir(spec);
}

static void put(struct sink *s, struct connection *c, enum dir way, const char *text)
{
	INT_EQ(dir_sink.bytes(s, c, way, 0, (const uint8_t *)text, strlen(text)), 0);
}

static void check_file(const char *name, const char *want)
{
	size_t len;
	char *got = sample_read(in_dir(name), &len);

	BYTES_EQ(got, len, want, strlen(want));
	free(got);
}

static void test_bytes_and_index(void)
{
	struct connection *c = sample_conn();
	struct sink *s = NULL;
	struct stat st;
	char *index;

	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	put(s, c, DIR_SENT, "one");
	INT_EQ(dir_sink.gap(s, c, DIR_SENT, 3, 10, GAP_RING_FULL), 0);
	put(s, c, DIR_SENT, "two");
	INT_EQ(dir_sink.flush(s), 0);
	settle();
	check_file("4242.1.sent", "onetwo");
	INT_EQ(dir_sink.written(s), 6);
	c->closed_ns = c->opened_ns + 1;
	c->end = CONN_END_FREED;
	c->ending = (struct conn_ending){ .notify_received = CONN_NOTIFY_NO,
					  .broken = true,
					  .socket_error = ECONNRESET };
	INT_EQ(dir_sink.conn_close(s, c), 0);
	INT_EQ(dir_sink.flush(s), 0);
	settle();
	index = sample_read(in_dir("index.jsonl"), NULL);
	INT_EQ(dir_sink.written(s), 6 + strlen(index));
	OK(strstr(index, "\"end\":\"freed\",\"close\":{\"how\":\"reset\",\"notify_sent\":null,"
			 "\"notify_received\":false,\"socket_error\":\"ECONNRESET\"},"
			 "\"process\":{\"pid\":4242,"));
	OK(strstr(index, "\"closed\":\"2026-11-21T06:31:00.123456790Z\""));
	OK(strstr(index,
		  "\"sent\":{\"file\":\"4242.1.sent\",\"bytes\":6,\"lost_bytes\":10,\"gaps\":"
		  "[{\"offset\":3,\"len\":10,\"gap_causes\":[\"ring_full\"]}],"
		  "\"gaps_total\":1},"));
	OK(strstr(index, "\"received\":{\"file\":null,\"bytes\":0,\"lost_bytes\":0,\"gaps\":[],"
			 "\"gaps_total\":0}}\n"));
	free(index);
	INT_EQ(stat(in_dir("4242.1.sent"), &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
	INT_EQ(stat(spec, &st), 0);
	INT_EQ(st.st_mode & 0777, 0700);
	dir_sink.close(s);
	connection_unref(c);
}

static void test_existing_needs_force(void)
{
	struct connection *c = sample_conn();
	struct error err = { 0 };
	struct sink *s = NULL;

	INT_EQ(dir_sink.open(spec, &options, &s, &err), -EEXIST);
	OK_MSG(strstr(err.text, "index.jsonl") && strstr(err.text, "--force"), "%s", err.text);
	options.force = true;
	INT_EQ(dir_sink.open(spec, &options, &s, &err), 0);
	options.force = false;
	put(s, c, DIR_SENT, "x");
	dir_sink.close(s);
	check_file("4242.1.sent", "x");
	connection_unref(c);
	empty_dir();
}

static void test_links_and_bad_names(void)
{
	struct connection *c = sample_conn();
	struct error err = { 0 };
	struct sink *s = NULL;

	INT_EQ(dir_sink.open("/tmp/plaintap-no-such-folder/x/", &options, &s, &err), -ENOENT);
	OK_MSG(strstr(err.text, "create it first") != NULL, "%s", err.text);
	options.force = true;
	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	options.force = false;
	INT_EQ(symlink("/dev/null", in_dir("4242.1.sent")), 0);
	INT_EQ(dir_sink.bytes(s, c, DIR_SENT, 0, (const uint8_t *)"x", 1), -ELOOP);
	snprintf(c->id, sizeof(c->id), "../evil");
	INT_EQ(dir_sink.bytes(s, c, DIR_RECEIVED, 0, (const uint8_t *)"x", 1), -EINVAL);
	dir_sink.close(s);
	connection_unref(c);
	empty_dir();
}

/* More streams than may be open, written in turns: nothing is lost or mixed up. */
static void test_many_connections(void)
{
	enum { CNT = 600 };
	static struct connection *conns[CNT];
	struct rlimit old, small;
	struct sink *s = NULL;
	bool good = true;

	getrlimit(RLIMIT_NOFILE, &old);
	small = old;
	small.rlim_cur = 300;
	setrlimit(RLIMIT_NOFILE, &small);
	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	for (int i = 0; i < CNT; i++) {
		conns[i] = sample_conn();
		conns[i]->key = (uint64_t)i;
		snprintf(conns[i]->id, sizeof(conns[i]->id), "1.%d", i);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < CNT; i++) {
			char text[32];
			int len = snprintf(text, sizeof(text), "%d/%d;", i, round);

			good &= dir_sink.bytes(s, conns[i], DIR_RECEIVED, 0, (uint8_t *)text,
					       (size_t)len) == 0;
		}
	for (int i = 0; i < CNT; i++)
		good &= dir_sink.conn_close(s, conns[i]) == 0;
	OK_MSG(good, "600 streams written in turns");
	dir_sink.close(s);
	setrlimit(RLIMIT_NOFILE, &old);
	for (int i = 0; i < CNT; i++) {
		char want[64], name[32];
		char *got;

		snprintf(name, sizeof(name), "1.%d.received", i);
		snprintf(want, sizeof(want), "%d/0;%d/1;%d/2;", i, i, i);
		got = sample_read(in_dir(name), NULL);
		good &= !strcmp(got, want);
		free(got);
		connection_unref(conns[i]);
	}
	OK_MSG(good, "each has its own bytes");
	empty_dir();
}

static void test_large_write(void)
{
	struct connection *c = sample_conn();
	struct sink *s = NULL;
	size_t len = 700000, got_len;
	char *big = malloc(len), *got;

	for (size_t i = 0; i < len; i++)
		big[i] = (char)(i * 7);
	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	put(s, c, DIR_SENT, "small");
	INT_EQ(dir_sink.bytes(s, c, DIR_SENT, 5, (uint8_t *)big, len), 0);
	put(s, c, DIR_SENT, "end");
	dir_sink.close(s);
	got = sample_read(in_dir("4242.1.sent"), &got_len);
	INT_EQ(got_len, len + 8);
	OK(!memcmp(got, "small", 5) && !memcmp(got + 5, big, len) &&
	   !memcmp(got + 5 + len, "end", 3));
	free(got);
	free(big);
	connection_unref(c);
	empty_dir();
}

/* The failure of one file is found by a call for any other, and what was given before is kept. */
static void test_failure_comes_later(void)
{
	struct connection *good = sample_conn(), *bad = sample_conn();
	struct sink *s = NULL;
	char *index;

	options.force = true;
	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	options.force = false;
	good->key = 7;
	snprintf(good->id, sizeof(good->id), "7.1");
	put(s, good, DIR_SENT, "kept");
	INT_EQ(dir_sink.flush(s), 0);
	INT_EQ(symlink("/dev/null", in_dir("4242.1.received")), 0);
	dir_sink.bytes(s, bad, DIR_RECEIVED, 0, (const uint8_t *)"x", 1);
	settle();
	INT_EQ(dir_sink.bytes(s, good, DIR_SENT, 4, (const uint8_t *)"!", 1), -ELOOP);
	INT_EQ(dir_sink.flush(s), -ELOOP);
	INT_EQ(dir_sink.conn_close(s, bad), -ELOOP);
	INT_EQ(dir_sink.conn_close(s, good), -ELOOP);
	dir_sink.close(s);
	check_file("7.1.sent", "kept!");
	index = sample_read(in_dir("index.jsonl"), NULL);
	OK_MSG(!strstr(index, "4242.1.received"), "what was not made is not named");
	OK(strstr(index, "\"sent\":{\"file\":\"7.1.sent\",\"bytes\":5,"));
	free(index);
	connection_unref(good);
	connection_unref(bad);
	empty_dir();
}

/* More than the disk takes, given before it is known: the index tells what stayed. */
static void test_index_tells_what_stayed(void)
{
	struct connection *c = sample_conn();
	struct rlimit old, small;
	struct sink *s = NULL;
	char *index;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 2000;
	setrlimit(RLIMIT_FSIZE, &small);
	INT_EQ(dir_sink.open(spec, &options, &s, NULL), 0);
	for (int i = 0; i < 10; i++) {
		uint8_t part[300] = { 0 };

		dir_sink.bytes(s, c, DIR_SENT, 0, part, sizeof(part));
		dir_sink.flush(s);
	}
	dir_sink.conn_close(s, c);
	settle();
	INT_EQ(dir_sink.flush(s), -EFBIG);
	dir_sink.close(s);
	setrlimit(RLIMIT_FSIZE, &old);
	index = sample_read(in_dir("index.jsonl"), NULL);
	OK(strstr(index, "\"sent\":{\"file\":\"4242.1.sent\",\"bytes\":2000,"));
	free(index);
	connection_unref(c);
	empty_dir();
}

int main(void)
{
	OK(mkdtemp(dir) != NULL);
	snprintf(spec, sizeof(spec), "%s/out/", dir);
	RUN(test_bytes_and_index);
	RUN(test_existing_needs_force);
	RUN(test_links_and_bad_names);
	RUN(test_many_connections);
	RUN(test_large_write);
	RUN(test_failure_comes_later);
	RUN(test_index_tells_what_stayed);
	options.writer = out_file_writer_new(1 << 20);
	RUN(test_bytes_and_index);
	RUN(test_existing_needs_force);
	RUN(test_many_connections);
	RUN(test_large_write);
	RUN(test_failure_comes_later);
	RUN(test_index_tells_what_stayed);
	writer_free(options.writer);
	rmdir(dir);
	return tap_done();
}

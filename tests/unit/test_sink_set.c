// SPDX-License-Identifier: BSD-2-Clause
/* Three sinks of the test's own, put into the set by hand; one of them can be made to fail. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/sink_set.h"
#include "base/log.h"
#include "base/writer.h"
#include "model/counters.h"
#include "tap.h"

struct sink {
	char log[256];
	char fail_at; /* the call with this letter fails */
	uint64_t written;
	unsigned closed;
};

static int called(struct sink *s, char what)
{
	size_t len = strlen(s->log);

	snprintf(s->log + len, sizeof(s->log) - len, "%c", what);
	s->written += 10;
	return what == s->fail_at ? -ENOSPC : 0;
}

static int fake_conn_open(struct sink *s, const struct connection *c)
{
	return called(s, 'o');
}

static int fake_bytes(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	return called(s, 'b');
}

static int fake_gap(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		    uint64_t len, unsigned causes)
{
	return called(s, 'g');
}

static int fake_conn_close(struct sink *s, const struct connection *c)
{
	return called(s, 'c');
}

static int fake_exchange(struct sink *s, const struct exchange *x)
{
	return called(s, 'x');
}

static int fake_data(struct sink *s, const struct data_piece *d)
{
	return called(s, 'd');
}

static int fake_flush(struct sink *s)
{
	return called(s, 'f');
}

static int fake_summary(struct sink *s, const struct counters *total)
{
	return called(s, 's');
}

static uint64_t fake_written(const struct sink *s)
{
	return s->written;
}

static void fake_close(struct sink *s)
{
	s->closed++;
}

static const struct sink_ops full_ops = {
	.name = "full",
	.conn_open = fake_conn_open,
	.bytes = fake_bytes,
	.gap = fake_gap,
	.conn_close = fake_conn_close,
	.exchange = fake_exchange,
	.data = fake_data,
	.flush = fake_flush,
	.summary = fake_summary,
	.written = fake_written,
	.close = fake_close,
};

/* Wants nothing but exchanges. */
static const struct sink_ops small_ops = {
	.name = "small",
	.exchange = fake_exchange,
	.close = fake_close,
};

static void add(struct sink_set *s, const struct sink_ops *ops, struct sink *sink, const char *spec)
{
	s->sinks[s->cnt++] = (struct open_sink){ ops, sink, spec };
	s->alive_cnt++;
}

static void call_all(struct sink_set *s)
{
	struct counters total = { 0 };

	sink_set_conn_open(s, NULL);
	sink_set_bytes(s, NULL, DIR_SENT, 0, NULL, 0);
	sink_set_gap(s, NULL, DIR_SENT, 0, 1, 1);
	sink_set_data(s, NULL);
	sink_set_exchange(s, NULL);
	sink_set_conn_close(s, NULL);
	sink_set_flush(s);
	sink_set_summary(s, &total);
}

static void test_each_gets_what_it_wants(void)
{
	struct sink a = { 0 }, b = { 0 };
	struct sink_set s;

	sink_set_init(&s);
	OK(!sink_set_is_dead(&s));
	add(&s, &full_ops, &a, "a");
	add(&s, &small_ops, &b, "b");
	call_all(&s);
	C_STR_EQ(a.log, "obgdxcfsf");
	C_STR_EQ(b.log, "x");
	INT_EQ(sink_set_written(&s), 90);
	INT_EQ(s.failures, 0);
	sink_set_close(&s);
	sink_set_close(&s);
	INT_EQ(a.closed, 1);
	INT_EQ(b.closed, 1);
}

static char said[1000];

static void remember(void *user, enum log_level level, const char *text)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

/* Whatever call it is that fails. */
static void test_a_failure_stops_only_that_one(void)
{
	static const char calls[] = "obgdxcfs";
	static const uint64_t written[] = { 10, 20, 30, 40, 50, 60, 70, 80 };

	for (size_t i = 0; calls[i]; i++) {
		struct sink a = { 0 }, b = { .fail_at = calls[i] }, c = { 0 };
		struct sink_set s;

		sink_set_init(&s);
		add(&s, &full_ops, &a, "a");
		add(&s, &full_ops, &b, "the/broken one");
		add(&s, &full_ops, &c, "c");
		said[0] = '\0';
		call_all(&s);
		INT_EQ(b.closed, 1);
		INT_EQ(strlen(b.log), i + 1);
		C_STR_EQ(a.log, "obgdxcfsf");
		C_STR_EQ(c.log, "obgdxcfsf");
		INT_EQ(sink_set_written(&s), 90 + written[i] + 90);
		INT_EQ(s.failures, 1);
		INT_EQ(s.first_failure.code, -ENOSPC);
		OK(strstr(s.first_failure.text, "the/broken one") != NULL);
		OK(strstr(said, "the/broken one") && strchr(said, '\n') == strrchr(said, '\n'));
		OK(!sink_set_is_dead(&s));
		sink_set_close(&s);
		INT_EQ(b.closed, 1);
		INT_EQ(a.closed, 1);
	}
}

static void test_dead_when_all_have_failed(void)
{
	struct sink a = { .fail_at = 'b' }, b = { .fail_at = 'f' };
	struct sink_set s;

	sink_set_init(&s);
	add(&s, &full_ops, &a, "a");
	add(&s, &full_ops, &b, "b");
	sink_set_bytes(&s, NULL, DIR_SENT, 0, NULL, 0);
	OK(!sink_set_is_dead(&s));
	sink_set_flush(&s);
	OK(sink_set_is_dead(&s));
	INT_EQ(s.failures, 2);
	OK_MSG(strstr(s.first_failure.text, "cannot write to a:") != NULL,
	       "the first one is the reason");
	sink_set_close(&s);
}

static void test_a_spec_that_no_sink_takes(void)
{
	struct sink_options opt = { 0 };
	struct error err = { 0 };
	struct sink_set s;

	sink_set_init(&s);
	INT_EQ(sink_set_open(&s, "capture.xyz", &opt, &err), -EINVAL);
	OK(strstr(err.text, "capture.xyz") != NULL);
	OK_MSG(strstr(err.text, ".jsonl") != NULL, "says what there is: %s", err.text);
	INT_EQ(s.cnt, 0);
	OK(!sink_set_is_dead(&s));
	sink_set_close(&s);
}

static void test_too_many(void)
{
	struct sink sinks[SINK_SET_MAX] = { 0 };
	struct sink_options opt = { 0 };
	struct error err = { 0 };
	struct sink_set s;

	sink_set_init(&s);
	for (int i = 0; i < SINK_SET_MAX; i++)
		add(&s, &full_ops, &sinks[i], "x");
	INT_EQ(sink_set_open(&s, "-", &opt, &err), -E2BIG);
	OK(strstr(err.text, "-o -") != NULL);
	sink_set_close(&s);
}

/* That a reader has gone is known of by the time of the wait, and the other output has all. */
static void test_queue(void)
{
	char file[] = "/tmp/plaintap-test-XXXXXX.jsonl", fifo[sizeof(file) + 6];
	struct sink_options opt = { .force = true };
	struct counters total = { 0 };
	struct writer_stats stats;
	struct sink_set s;
	struct stat st;
	int reader;

	close(mkstemps(file, 6));
	snprintf(fifo, sizeof(fifo), "%s.jsonl", file);
	INT_EQ(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK);
	sink_set_init(&s);
	INT_EQ(sink_set_use_queue(&s, 1 << 20), 0);
	INT_EQ(sink_set_open(&s, file, &opt, NULL), 0);
	INT_EQ(sink_set_open(&s, fifo, &opt, NULL), 0);
	close(reader);
	signal(SIGPIPE, SIG_IGN);
	sink_set_wait(&s);
	INT_EQ(s.failures, 0);
	INT_EQ(sink_set_written(&s), 0);
	sink_set_summary(&s, &total);
	sink_set_wait(&s);
	INT_EQ(s.failures, 1);
	INT_EQ(s.first_failure.code, -EPIPE);
	OK(!sink_set_is_dead(&s));
	INT_EQ(stat(file, &st), 0);
	OK(st.st_size > 100);
	INT_EQ(sink_set_written(&s), st.st_size);
	sink_set_queue_stats(&s, &stats);
	OK(stats.peak > 0);
	INT_EQ(stats.waits, 0);
	sink_set_close(&s);
	OK(!s.writer);
	unlink(fifo);
	unlink(file);
}

int main(void)
{
	log_set(remember, NULL);
	RUN(test_each_gets_what_it_wants);
	RUN(test_a_failure_stops_only_that_one);
	RUN(test_dead_when_all_have_failed);
	RUN(test_a_spec_that_no_sink_takes);
	RUN(test_too_many);
	RUN(test_queue);
	return tap_done();
}

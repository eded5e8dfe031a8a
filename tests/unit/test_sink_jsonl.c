// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sample.h"
#include "sink/jsonl.h"
#include "sink/registry.h"
#include "tap.h"

static char dir[] = "/tmp/plaintap-test-XXXXXX";
static char path[64];
static struct sink_options options;

static struct sink *open_it(void)
{
	struct sink *s = NULL;

	options.force = true;
	INT_EQ(jsonl_sink.open(path, &options, &s, NULL), 0);
	return s;
}

static bool has(const char *text, const char *part)
{
	return OK_MSG(strstr(text, part) != NULL, "line has %s", part);
}

static char *line_of(const struct exchange *x)
{
	struct sink *s = open_it();

	INT_EQ(jsonl_sink.exchange(s, x), 0);
	INT_EQ(jsonl_sink.flush(s), 0);
	jsonl_sink.close(s);
	return sample_read(path, NULL);
}

/* Who it is, in every kind of line. */
static void test_identity(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct data_piece piece = { .conn = c, .ts_ns = sample_ts_ns };
	static const char want[] =
		"\"conn\":{\"id\":\"4242.1\",\"role\":\"client\",\"local\":\"10.0.0.5:51234\","
		"\"remote\":\"[2001:db8::1]:443\",\"tls\":{\"version\":\"TLS 1.3\","
		"\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"sni\":\"example.org\",\"alpn\":\"h2\","
		"\"library\":\"/usr/lib/libssl.so.3\",\"library_version\":\"OpenSSL 3.0.17\"}}";
	struct sink *s = open_it();
	char *text;

	c->local = strdup("10.0.0.5:51234");
	c->remote = strdup("[2001:db8::1]:443");
	c->tls_version = strdup("TLS 1.3");
	c->tls_cipher = strdup("TLS_AES_128_GCM_SHA256");
	c->sni = strdup("example.org");
	c->alpn = strdup("h2");
	c->library_version = strdup("OpenSSL 3.0.17");
	INT_EQ(jsonl_sink.exchange(s, x), 0);
	INT_EQ(jsonl_sink.data(s, &piece), 0);
	INT_EQ(jsonl_sink.flush(s), 0);
	jsonl_sink.close(s);
	text = sample_read(path, NULL);
	has(text, want);
	has(strchr(text, '\n'), want);
	free(text);
	exchange_unref(x);
	connection_unref(c);
}

static void test_whole_line(void)
{
	static const char want[] =
		"{\"type\":\"exchange\",\"ts\":\"2026-11-21T06:31:00.123456789Z\","
		"\"duration_ns\":34500000,\"process\":{\"pid\":4242,\"tid\":4243,\"ppid\":1,"
		"\"uid\":1000,\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\","
		"\"cmdline\":\"curl https://example.org/a\","
		"\"started\":\"2026-11-21T06:31:00.123456789Z\",\"ns_pid\":12,"
		"\"cgroup\":\"/docker/x\",\"unit\":\"web.service\",\"container\":{"
		"\"id\":\"0123\",\"runtime\":\"docker\",\"pod\":null,\"name\":\"web-7\","
		"\"pod_name\":null,\"pod_namespace\":null}},\"conn\":{\"id\":\"4242.1\","
		"\"role\":\"client\",\"local\":null,\"remote\":null,"
		"\"tls\":{\"version\":null,\"cipher\":null,\"sni\":null,\"alpn\":null,"
		"\"library\":\"/usr/lib/libssl.so.3\",\"library_version\":null}},\"number\":1,\"http\":\"1.1\","
		"\"request\":{\"method\":\"GET\",\"url\":\"https://example.org/a\","
		"\"host\":\"example.org\",\"path\":\"/a\","
		"\"headers\":[[\"Host\",\"example.org\"],[\"Accept\",\"*/*\"]],\"trailers\":[],"
		"\"head_encoding\":\"utf8\",\"body\":\"\",\"body_encoding\":\"utf8\","
		"\"body_size\":0,\"body_truncated\":false,\"lost_bytes\":0,\"gap_causes\":[],"
		"\"complete\":true,\"incomplete_reason\":null},"
		"\"response\":{\"status\":200,\"reason\":\"OK\",\"interim\":[],"
		"\"headers\":[[\"Content-Type\",\"application/json\"]],\"trailers\":[],"
		"\"head_encoding\":\"utf8\",\"body\":\"{\\\"ok\\\":true,\\\"list\\\":[1,2]}\","
		"\"body_encoding\":\"utf8\",\"body_size\":24,\"body_truncated\":false,"
		"\"lost_bytes\":0,\"gap_causes\":[],\"complete\":true,\"incomplete_reason\":null},"
		"\"lost_bytes\":0}\n";
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	char *line;
	struct stat st;

	snprintf(c->process->container.name, sizeof(c->process->container.name), "web-7");
	line = line_of(x);
	C_STR_EQ(line, want);
	INT_EQ(stat(path, &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
	free(line);
	exchange_unref(x);
	connection_unref(c);
}

static void test_unknown_is_null(void)
{
	struct process *p = process_new(7);
	struct connection *c = connection_new(1, p);
	struct exchange *x = exchange_new(c, 1);
	char *line = line_of(x);

	has(line, "\"request\":null,\"response\":null");
	has(line, "\"tid\":null,\"ppid\":null,\"uid\":null,\"comm\":null,\"exe\":null");
	has(line, "\"cmdline\":null,\"started\":null,\"ns_pid\":null,\"cgroup\":null,"
		  "\"unit\":null,\"container\":null}");
	has(line, "\"role\":null");
	has(line, "\"http\":null");
	free(line);
	exchange_unref(x);
	connection_unref(c);
	process_unref(p);
}

static void test_bodies(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	char *line;

	buf_done(&x->request.body);
	sample_body(&x->request, "\x00\xff", 2);
	buf_done(&x->response.body);
	sample_body(&x->response, "caf\xc3", 4);
	x->response.body_size = 4 + 7 + 100;
	x->response.body_cut = true;
	x->response.lost_bytes = 7;
	x->response.gap_causes = GAP_RING_FULL | GAP_UNKNOWN;
	x->response.end = MESSAGE_END_CLOSED;
	x->lost_bytes = 7;
	line = line_of(x);
	has(line, "\"body\":\"AP8=\",\"body_encoding\":\"base64\"");
	has(line, "\"body\":\"caf\",\"body_encoding\":\"utf8\",\"body_size\":111,"
		  "\"body_truncated\":true,\"lost_bytes\":7,"
		  "\"gap_causes\":[\"ring_full\",\"unknown\"],\"complete\":false,"
		  "\"incomplete_reason\":\"closed\"");
	free(line);
	exchange_unref(x);
	connection_unref(c);
}

/* One string that is not UTF-8 turns the whole head to Latin-1. */
static void test_latin1_head(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct header headers[] = { { STR_LIT("X"), STR_LIT("caf\xe9") },
				    { STR_LIT("Y"), STR_LIT("\xc3\xbc") } };
	char *line;

	x->request.headers = headers;
	line = line_of(x);
	has(line, "[[\"X\",\"caf\\u00e9\"],[\"Y\",\"\\u00c3\\u00bc\"]]");
	has(line, "\"head_encoding\":\"latin1\"");
	free(line);
	exchange_unref(x);
	connection_unref(c);
}

static void test_data_and_summary(void)
{
	struct counters total = { .kernel = { .bytes_seen = 10, .bytes_sent = 10 },
				  .collect = { .bytes = 10 },
				  .stream = { .bytes = 10 } };
	struct connection *c = sample_conn();
	struct data_piece piece = { .conn = c,
				    .dir = DIR_RECEIVED,
				    .off = 5,
				    .data = (const uint8_t *)"hi\n",
				    .len = 3,
				    .ts_ns = sample_ts_ns };
	struct data_piece hole = {
		.conn = c, .off = 8, .lost = 9, .gap_causes = GAP_UNREADABLE, .ts_ns = sample_ts_ns
	};
	struct sink *s = open_it();
	char *text;

	INT_EQ(jsonl_sink.data(s, &piece), 0);
	INT_EQ(jsonl_sink.data(s, &hole), 0);
	INT_EQ(jsonl_sink.summary(s, &total), 0);
	total.kernel.bytes_seen++;
	INT_EQ(jsonl_sink.summary(s, &total), 0);
	jsonl_sink.close(s);
	text = sample_read(path, NULL);
	has(text, "\"direction\":\"received\",\"offset\":5,\"size\":3,\"data\":\"hi\\n\","
		  "\"data_encoding\":\"utf8\",\"lost_bytes\":0,\"gap_causes\":[]}\n");
	has(text, "\"direction\":\"sent\",\"offset\":8,\"size\":0,\"data\":\"\","
		  "\"data_encoding\":\"utf8\",\"lost_bytes\":9,\"gap_causes\":[\"unreadable\"]}\n");
	has(text, "\"type\":\"summary\",\"kernel\":{\"calls\":0,\"bytes_seen\":10,");
	has(text, "\"balanced\":true}\n");
	has(text, "\"balanced\":false}\n");
	free(text);
	connection_unref(c);
}

static void test_connection(void)
{
	struct connection *c = sample_conn();
	struct sink *s = open_it();
	char *text;

	c->closed_ns = c->opened_ns + 1;
	c->end = CONN_END_PROCESS;
	c->ending = (struct conn_ending){
		.notify_sent = CONN_NOTIFY_YES, .failed = true, .socket_error = 199, .status = 9
	};
	INT_EQ(jsonl_sink.conn_close(s, c), 0);
	INT_EQ(jsonl_sink.flush(s), 0);
	jsonl_sink.close(s);
	text = sample_read(path, NULL);
	OK(strstr(text, "{\"type\":\"connection\",\"opened\":\"2026-11-21T06:31:00.123456789Z\","
			"\"closed\":\"2026-11-21T06:31:00.123456790Z\",\"end\":\"process_ended\","
			"\"close\":{\"how\":\"error\",\"notify_sent\":true,"
			"\"notify_received\":null,\"socket_error\":\"199\"},\"process\":{"));
	free(text);
	connection_unref(c);
}

static void test_balance(void)
{
	struct counters c = {
		.kernel = { .bytes_seen = 100, .bytes_sent = 60 },
		.collect = { .bytes = 58, .bytes_invalid = 2 },
		.stream = { .bytes = 50, .bytes_refused = 8, .gap_bytes = 48 },
	};

	c.kernel.bytes_dropped[0] = 30;
	c.kernel.bytes_dropped[4] = 10;
	c.stream.gap_bytes_by[1] = 48;
	OK(counters_balanced(&c));
	/* Bytes were refused: not every gap need have been seen, but there are never more. */
	c.stream.gap_bytes = c.stream.gap_bytes_by[1] = 40;
	OK(counters_balanced(&c));
	c.stream.gap_bytes = c.stream.gap_bytes_by[1] = 49;
	OK(!counters_balanced(&c));
	c.stream.gap_bytes = c.stream.gap_bytes_by[1] = 40;
	c.stream.bytes += 8;
	c.stream.bytes_refused = 0;
	OK(counters_balanced(&c));
	c.stream.gap_bytes = c.stream.gap_bytes_by[1] = 39;
	OK(!counters_balanced(&c));
}

static void test_full_disk(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct sink *s = NULL;

	INT_EQ(symlink("/dev/full", path), 0);
	INT_EQ(jsonl_sink.open(path, &options, &s, NULL), -ELOOP);
	unlink(path);
	INT_EQ(jsonl_sink.open("/dev/full", &options, &s, NULL), 0);
	jsonl_sink.exchange(s, x);
	INT_EQ(jsonl_sink.flush(s), -ENOSPC);
	INT_EQ(jsonl_sink.exchange(s, x), -ENOSPC);
	INT_EQ(jsonl_sink.written(s), 0);
	jsonl_sink.close(s);
	exchange_unref(x);
	connection_unref(c);
}

static void test_registry(void)
{
	OK(sink_find("-") == &jsonl_sink);
	OK(sink_find("x.jsonl") == &jsonl_sink);
	OK(!sink_find(".jsonl"));
	OK(!sink_find("x.txt"));
	C_STR_EQ(sink_find("folder/")->name, "dir");
}

/* The exit status of a program that reads the file as 258 lines of JSON. */
static int python_status(void)
{
	static const char program[] =
		"import json,sys\n"
		"n = [json.loads(l) for l in open(sys.argv[1], encoding='utf8')]\n"
		"sys.exit(len(n) != 258)";
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		execl("/usr/bin/python3", "python3", "-c", program, path, (char *)NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	return status;
}

static char *data_line(struct sink *s, const struct data_piece *piece)
{
	char *text, *last;

	INT_EQ(jsonl_sink.data(s, piece), 0);
	INT_EQ(jsonl_sink.flush(s), 0);
	text = sample_read(path, NULL);
	text[strlen(text) - 1] = '\0';
	last = strrchr(text, '\n');
	if (last)
		memmove(text, last + 1, strlen(last));
	return text;
}

static void line_has(struct sink *s, struct connection *c, const char *part)
{
	struct data_piece piece = { .conn = c, .ts_ns = sample_ts_ns };
	char *line = data_line(s, &piece);

	has(line, part);
	free(line);
}

/* What is kept of a connection for its next line is never that of before, or of another one. */
static void test_identity_changes(void)
{
	struct connection *c = sample_conn(), *other = sample_conn();
	struct sink *s = open_it();

	strcpy(other->id, "4242.2");
	line_has(s, c, "\"id\":\"4242.1\"");
	line_has(s, other, "\"id\":\"4242.2\"");
	line_has(s, c, "\"id\":\"4242.1\"");
	line_has(s, c, "\"sni\":null");
	c->sni = strdup("example.org");
	line_has(s, c, "\"sni\":\"example.org\"");
	c->role = CONN_ROLE_SERVER;
	line_has(s, c, "\"role\":\"server\"");
	c->process->ns_pid = 77;
	line_has(s, c, "\"ns_pid\":77,");
	line_has(s, other, "\"sni\":null");
	jsonl_sink.close(s);
	connection_unref(c);
	connection_unref(other);
}

/* A command line may be of any length. */
static void test_long_identity(void)
{
	enum { LEN = 100000 };
	struct connection *c = sample_conn();
	struct sink *s = open_it();
	struct data_piece piece = { .conn = c, .ts_ns = sample_ts_ns };

	free(c->process->cmdline);
	c->process->cmdline = calloc(1, LEN + 1);
	memset(c->process->cmdline, 'x', LEN);
	for (int i = 0; i < 2; i++) {
		char *line = data_line(s, &piece);

		OK_MSG(strlen(line) > LEN, "line %d is whole", i);
		has(line, "\"id\":\"4242.1\"");
		free(line);
	}
	jsonl_sink.close(s);
	connection_unref(c);
}

/* All kinds of lines and all bytes, for a reader that is not ours. */
static void test_python_reads_it(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct data_piece piece = { .conn = c, .ts_ns = sample_ts_ns };
	struct counters total = { 0 };
	struct sink *s = open_it();
	uint8_t bytes[256];

	if (access("/usr/bin/python3", X_OK) != 0) {
		tap_skip("python3 reads it", "no python3 here");
	} else {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)i;
		jsonl_sink.exchange(s, x);
		for (size_t i = 0; i < 256; i++) {
			piece.data = bytes + i;
			piece.len = i < 128 ? 128 - i : 256 - i;
			jsonl_sink.data(s, &piece);
		}
		jsonl_sink.summary(s, &total);
		INT_EQ(python_status(), 0);
	}
	jsonl_sink.close(s);
	exchange_unref(x);
	connection_unref(c);
}

int main(void)
{
	OK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/x.jsonl", dir);
	RUN(test_identity);
	RUN(test_identity_changes);
	RUN(test_long_identity);
	RUN(test_whole_line);
	RUN(test_unknown_is_null);
	RUN(test_bodies);
	RUN(test_latin1_head);
	RUN(test_data_and_summary);
	RUN(test_connection);
	RUN(test_balance);
	unlink(path);
	RUN(test_full_disk);
	RUN(test_registry);
	RUN(test_python_reads_it);
	unlink(path);
	rmdir(dir);
	return tap_done();
}

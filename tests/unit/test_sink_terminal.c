// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "base/text.h"
#include "sample.h"
#include "sink/registry.h"
#include "sink/terminal.h"
#include "tap.h"

static struct buf out;

/* With PLAINTAP_TEST_SHOW set, the blocks go to standard error too, for a person to look at. */
static const char *show(const struct exchange *x, bool color)
{
	buf_reset(&out);
	INT_EQ(terminal_exchange(&out, x, color), 0);
	buf_append_byte(&out, '\0');
	if (getenv("PLAINTAP_TEST_SHOW"))
		fprintf(stderr, "%s", (const char *)out.data);
	return (const char *)out.data;
}

static void has(const char *text, const char *part)
{
	/* A TAP line must not break: the part is named from its first word on, up to the break. */
	const char *from = part + strspn(part, "\n ");

	OK_MSG(strstr(text, part) != NULL, "block has: %.*s", (int)strcspn(from, "\n\x1b"), from);
}

static void test_block(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);

	C_STR_EQ(show(x, false),
		 "06:31:00.123 curl[4242] → GET https://example.org/a  200 OK  application/json  "
		 "↑0 B ↓24 B  34.5 ms\n"
		 "  > Host: example.org\n"
		 "  > Accept: */*\n"
		 "\n"
		 "  < Content-Type: application/json\n"
		 "\n"
		 "    {\n"
		 "      \"ok\": true,\n"
		 "      \"list\": [\n"
		 "        1,\n"
		 "        2\n"
		 "      ]\n"
		 "    }\n"
		 "\n");
	exchange_unref(x);
	connection_unref(c);
}

static void set_body(struct message *m, const char *data, size_t len)
{
	buf_done(&m->body);
	sample_body(m, data, len);
}

static void test_kinds_of_bodies(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct header gzip = { STR_LIT("Content-Encoding"), STR_LIT("gzip") };
	static char many[600];

	set_body(&x->response, "{\"no json", 9);
	has(show(x, false), "\n    {\"no json\n");
	set_body(&x->response, "two\nlines\n", 10);
	has(show(x, false), "\n    two\n    lines\n\n");
	set_body(&x->response, many, sizeof(many));
	has(show(x, false), "    00000000  00 00 ");
	has(show(x, false), "    … 88 more bytes\n");
	x->response.headers = &gzip;
	set_body(&x->response, "abc", 3);
	has(show(x, false), "\n    gzip, 3 bytes, not decoded\n    00000000  61 62 63 ");
	exchange_unref(x);
	connection_unref(c);
}

static void test_what_is_missing(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct message *m = &x->response;

	m->body_size += 1234;
	m->lost_bytes = 1234;
	m->gap_causes = GAP_RING_FULL;
	m->end = MESSAGE_END_CLOSED;
	has(show(x, false), "\n  !! 1234 bytes lost here (ring full)\n"
			    "  !! response incomplete: connection closed\n");
	c->end = CONN_END_FREED;
	c->ending.broken = true;
	has(show(x, false), "  !! response incomplete: connection reset or timed out\n");
	c->end = CONN_END_CAPTURE;
	has(show(x, false), "  !! response incomplete: the capture ended first\n");
	has(show(x, true), "\x1b[31m!! 1234 bytes lost here (ring full)\x1b[0m\n");
	m->lost_bytes = 0;
	m->body_size = m->body.len + 3250586;
	m->body_cut = true;
	has(show(x, false), "    … 3.1 MiB more, kept the first 24 B (out of memory)\n");
	m->body.max = m->body.len;
	has(show(x, false), "    … 3.1 MiB more, kept the first 24 B (--body-limit)\n");
	m->lost_bytes = 10;
	m->body.max = m->body.len + 1;
	has(show(x, false), "more, kept the first 24 B (up to the hole)\n");
	x->response.present = false;
	has(show(x, false), "https://example.org/a  (no response seen)");
	exchange_unref(x);
	connection_unref(c);
}

/* Nothing that came from outside reaches the terminal as a command. */
static void test_hostile(void)
{
	static const char evil[] = "\x1b]0;owned\x07\xc2\x9b"
				   "2J\n\r\xe2\x80\xae\xff";
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct str s = str_make(evil, sizeof(evil) - 1);
	struct header header = { s, s };

	snprintf(c->process->comm, sizeof(c->process->comm), "%s", evil);
	x->request.method = x->request.target = x->response.reason = s;
	free(x->url);
	x->url = strdup(evil);
	x->request.headers = x->response.headers = x->response.trailers = &header;
	x->request.header_cnt = x->response.header_cnt = x->response.trailer_cnt = 1;
	set_body(&x->request, evil, sizeof(evil) - 1);
	set_body(&x->response, "[\"\xc2\x9b\xe2\x80\xae\"]", 9);
	show(x, false);
	OK(text_is_readable(out.data, out.len - 1));
	OK(!memchr(out.data, '\r', out.len));
	OK(!strstr((char *)out.data, "\xe2\x80\xae"));
	exchange_unref(x);
	connection_unref(c);
}

static void test_server_and_halves(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);

	c->role = CONN_ROLE_SERVER;
	snprintf(c->process->container.name, sizeof(c->process->container.name), "web-7");
	has(show(x, false), "06:31:00.123 curl[4242] in web-7 ← GET ");
	c->process->container.name[0] = '\0';
	has(show(x, false), "curl[4242] ← GET https://example.org/a  200 OK  application/json  "
			    "↑24 B ↓0 B  34.5 ms\n");
	x->request.present = false;
	has(show(x, false), "← (request not seen)  200 OK");
	exchange_unref(x);
	connection_unref(c);
}

/* A client's URL says whom it talks to, unless that is a Unix socket. */
static void test_peer(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);

	c->remote = strdup("10.0.0.5:443");
	has(show(x, false), "curl[4242] → GET https://example.org/a  200 OK");
	c->role = CONN_ROLE_SERVER;
	has(show(x, false), "curl[4242] ← 10.0.0.5:443  GET https://example.org/a  200 OK");
	c->role = CONN_ROLE_CLIENT;
	x->host = STR_LIT("");
	has(show(x, false), "curl[4242] → 10.0.0.5:443  GET https://example.org/a  200 OK");
	x->host = STR_LIT("example.org");
	free(c->remote);
	c->remote = strdup("unix:/run/\x1b.sock");
	has(show(x, false), "curl[4242] → unix:/run/\\x1b.sock  GET https://example.org/a  200 OK");
	exchange_unref(x);
	connection_unref(c);
}

static void test_data(void)
{
	struct connection *c = sample_conn();
	struct data_piece piece = { .conn = c,
				    .dir = DIR_RECEIVED,
				    .data = (const uint8_t *)"220 hello\r\n",
				    .len = 11,
				    .ts_ns = sample_ts_ns };
	struct data_piece hole = { .conn = c,
				   .lost = 1,
				   .gap_causes = GAP_UNREADABLE | GAP_LIMIT,
				   .ts_ns = sample_ts_ns };
	static const char want[] = "06:31:00.123 curl[4242] ← received 11 B  #4242.1\n"
				   "    220 hello\\r\n"
				   "06:31:00.123 curl[4242] → sent  #4242.1\n"
				   "  !! 1 byte lost here (memory unreadable, limit reached)\n";

	buf_reset(&out);
	INT_EQ(terminal_data(&out, &piece, false), 0);
	INT_EQ(terminal_data(&out, &hole, false), 0);
	BYTES_EQ(out.data, out.len, want, sizeof(want) - 1);
	c->remote = strdup("[::1]:25");
	buf_reset(&out);
	INT_EQ(terminal_data(&out, &piece, false), 0);
	INT_EQ(terminal_data(&out, &hole, false), 0);
	buf_append_byte(&out, '\0');
	has((const char *)out.data, "← received 11 B  from [::1]:25  #4242.1\n");
	has((const char *)out.data, "→ sent  to [::1]:25  #4242.1\n");
	connection_unref(c);
}

/* The sink itself writes to standard output. */
static void test_full_disk(void)
{
	struct connection *c = sample_conn();
	struct exchange *x = sample_exchange(c);
	struct sink_options options = { 0 };
	struct sink *s = NULL;
	int kept, full, r;

	OK(sink_find("terminal:") == &terminal_sink);
	INT_EQ(terminal_sink.open("terminal:", &options, &s, NULL), 0);
	fflush(stdout);
	kept = dup(STDOUT_FILENO);
	full = open("/dev/full", O_WRONLY);
	dup2(full, STDOUT_FILENO);
	r = terminal_sink.exchange(s, x);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(full);
	INT_EQ(r, -ENOSPC);
	terminal_sink.close(s);
	exchange_unref(x);
	connection_unref(c);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	buf_init(&out, 1 << 20);
	RUN(test_block);
	RUN(test_kinds_of_bodies);
	RUN(test_what_is_missing);
	RUN(test_hostile);
	RUN(test_server_and_halves);
	RUN(test_peer);
	RUN(test_data);
	RUN(test_full_disk);
	buf_done(&out);
	return tap_done();
}

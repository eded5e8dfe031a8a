// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "exchange/pairing.h"
#include "exchange/url.h"
#include "model/connection.h"
#include "model/counters.h"
#include "model/gap.h"
#include "model/process.h"
#include "tap.h"

enum { MAX = 16 };

static struct exchange *seen[MAX];
static size_t seen_cnt;
static struct data_piece last_data;
static struct counters counters;
static struct exchange_stage stage;
static struct connection *conn;

static void on_exchange(void *user, struct exchange *x)
{
	if (seen_cnt < MAX)
		seen[seen_cnt++] = exchange_ref(x);
}

static void on_data(void *user, const struct data_piece *d)
{
	last_data = *d;
}

static const struct exchange_out out = { on_exchange, on_data };

static struct pairing *start(void)
{
	struct process *process = process_new(42);

	memset(&counters, 0, sizeof(counters));
	exchange_stage_init(&stage, &out, NULL, &counters);
	conn = connection_new(1, process);
	process_unref(process);
	return pairing_new(&stage, conn);
}

static void stop(void)
{
	while (seen_cnt)
		exchange_unref(seen[--seen_cnt]);
	connection_unref(conn);
}

static const struct header request_headers[] = {
	{ STR_LIT("Accept"), STR_LIT("*/*") },
	{ STR_LIT("Host"), STR_LIT("example.org") },
};

static void request(struct pairing *p, uint64_t number, const char *target)
{
	struct message_head head = {
		.kind = MESSAGE_REQUEST,
		.exchange = number,
		.version = STR_LIT("1.1"),
		.method = STR_LIT("POST"),
		.target = str_from(target),
		.headers = request_headers,
		.header_cnt = 2,
	};

	exchange_ops.head(p, DIR_SENT, &head, 1000);
}

static void response(struct pairing *p, uint64_t number, unsigned status, bool interim)
{
	struct message_head head = {
		.kind = MESSAGE_RESPONSE,
		.exchange = number,
		.interim = interim,
		.version = STR_LIT("1.1"),
		.status = status,
		.reason = STR_LIT("OK"),
	};

	exchange_ops.head(p, DIR_RECEIVED, &head, 2000);
}

static void body(struct pairing *p, enum dir dir, uint64_t number, const char *text)
{
	size_t len = strlen(text);
	uint8_t *guarded = guarded_copy(text, len);

	exchange_ops.body(p, dir, number, guarded, len, 2500);
	guarded_free(guarded, len);
}

static void finish(struct pairing *p, enum dir dir, uint64_t number)
{
	exchange_ops.end(p, dir, number, MESSAGE_COMPLETE, 3000);
}

static void test_one_exchange(void)
{
	static const struct header trailer = { STR_LIT("Sum"), STR_LIT("1") };
	struct pairing *p = start();
	struct exchange *x;

	request(p, 7, "/a?b=1");
	body(p, DIR_SENT, 7, "hel");
	body(p, DIR_SENT, 7, "lo");
	finish(p, DIR_SENT, 7);
	response(p, 7, 100, true);
	response(p, 7, 200, false);
	body(p, DIR_RECEIVED, 7, "world");
	exchange_ops.trailers(p, DIR_RECEIVED, 7, &trailer, 1);
	INT_EQ(seen_cnt, 0);
	finish(p, DIR_RECEIVED, 7);
	INT_EQ(seen_cnt, 1);
	x = seen[0];
	INT_EQ(x->number, 7);
	C_STR_EQ(x->url, "https://example.org/a?b=1");
	OK(str_eq(x->host, STR_LIT("example.org")) && str_eq(x->path, STR_LIT("/a?b=1")));
	BYTES_EQ(x->request.body.data, x->request.body.len, "hello", 5);
	OK(x->request.body.cap < 4096);
	INT_EQ(x->response.body_size, 5);
	INT_EQ(x->response.status, 200);
	OK(str_eq(x->response.trailers[0].name, STR_LIT("Sum")));
	INT_EQ(x->interim_cnt, 1);
	INT_EQ(x->interim[0], 100);
	INT_EQ(x->begin_ns, 1000);
	INT_EQ(x->duration_ns, 2000);
	INT_EQ(conn->role, CONN_ROLE_CLIENT);
	INT_EQ(counters.exchange.exchanges_complete, 1);
	pairing_close(p);
	INT_EQ(seen_cnt, 1);
	stop();
}

static void test_server_role(void)
{
	struct message_head head = { .kind = MESSAGE_REQUEST, .exchange = 1 };
	struct pairing *p = start();

	exchange_ops.head(p, DIR_RECEIVED, &head, 1);
	INT_EQ(conn->role, CONN_ROLE_SERVER);
	pairing_close(p);
	stop();
}

/* Pipelined requests, answered out of order; published as they complete. */
static void test_interleaved(void)
{
	struct pairing *p = start();

	request(p, 1, "/1");
	request(p, 2, "/2");
	finish(p, DIR_SENT, 2);
	finish(p, DIR_SENT, 1);
	response(p, 2, 200, false);
	response(p, 1, 200, false);
	body(p, DIR_RECEIVED, 1, "one");
	body(p, DIR_RECEIVED, 2, "two");
	finish(p, DIR_RECEIVED, 2);
	finish(p, DIR_RECEIVED, 1);
	INT_EQ(seen_cnt, 2);
	INT_EQ(seen[0]->number, 2);
	BYTES_EQ(seen[0]->response.body.data, seen[0]->response.body.len, "two", 3);
	C_STR_EQ(seen[1]->url, "https://example.org/1");
	pairing_close(p);
	stop();
}

/* A response may end before its request has: both are waited for. */
static void test_early_response(void)
{
	struct pairing *p = start();

	request(p, 1, "/");
	response(p, 1, 413, false);
	finish(p, DIR_RECEIVED, 1);
	INT_EQ(seen_cnt, 0);
	finish(p, DIR_SENT, 1);
	INT_EQ(seen_cnt, 1);
	pairing_close(p);
	stop();
}

static void test_halves(void)
{
	struct pairing *p = start();

	response(p, 1, 200, false);
	body(p, DIR_RECEIVED, 1, "x");
	finish(p, DIR_RECEIVED, 1);
	INT_EQ(seen_cnt, 1);
	OK(!seen[0]->request.present && seen[0]->response.present && !seen[0]->url);
	request(p, 2, "/");
	finish(p, DIR_SENT, 2);
	request(p, 3, "/");
	body(p, DIR_SENT, 3, "abc");
	pairing_close(p);
	INT_EQ(seen_cnt, 3);
	INT_EQ(seen[1]->request.end, MESSAGE_COMPLETE);
	OK(!seen[1]->response.present);
	INT_EQ(seen[2]->request.end, MESSAGE_END_CLOSED);
	INT_EQ(seen[2]->request.body_size, 3);
	INT_EQ(counters.exchange.exchanges, 3);
	INT_EQ(counters.exchange.exchanges_complete, 0);
	stop();
}

static void test_body_limit(void)
{
	struct pairing *p = start();
	struct message *m;

	stage.body_limit = 4;
	request(p, 1, "/");
	body(p, DIR_SENT, 1, "abc");
	body(p, DIR_SENT, 1, "def");
	body(p, DIR_SENT, 1, "ghi");
	pairing_close(p);
	m = &seen[0]->request;
	BYTES_EQ(m->body.data, m->body.len, "abcd", 4);
	INT_EQ(m->body_size, 9);
	OK(m->body_cut);
	INT_EQ(m->lost_bytes, 0);
	stop();
}

static void test_body_gap(void)
{
	struct pairing *p = start();
	struct message *m;

	request(p, 1, "/");
	body(p, DIR_SENT, 1, "abc");
	exchange_ops.body_gap(p, DIR_SENT, 1, 10, GAP_RING_FULL);
	body(p, DIR_SENT, 1, "def");
	exchange_ops.body_gap(p, DIR_SENT, 1, 1, GAP_LIMIT);
	pairing_close(p);
	m = &seen[0]->request;
	BYTES_EQ(m->body.data, m->body.len, "abc", 3);
	INT_EQ(m->body_size, 17);
	INT_EQ(m->lost_bytes, 11);
	INT_EQ(seen[0]->lost_bytes, 11);
	INT_EQ(m->gap_causes, GAP_RING_FULL | GAP_LIMIT);
	OK(m->body_cut);
	stop();
}

static void test_open_limit(void)
{
	struct pairing *p = start();

	stage.open_max = 2;
	request(p, 1, "/1");
	request(p, 2, "/2");
	request(p, 3, "/3");
	INT_EQ(seen_cnt, 1);
	INT_EQ(seen[0]->number, 1);
	INT_EQ(seen[0]->request.end, MESSAGE_END_LIMIT);
	body(p, DIR_SENT, 1, "ignored");
	pairing_close(p);
	INT_EQ(seen_cnt, 3);
	stop();
}

static void test_opaque(void)
{
	struct pairing *p = start();

	exchange_ops.opaque(p, DIR_RECEIVED, 5, (const uint8_t *)"abc", 3, 9);
	INT_EQ(last_data.off, 5);
	INT_EQ(last_data.len, 3);
	OK(last_data.conn == conn);
	exchange_ops.opaque_gap(p, DIR_RECEIVED, 8, 100, GAP_UNREADABLE, 9);
	INT_EQ(last_data.lost, 100);
	OK(!last_data.data);
	INT_EQ(counters.exchange.data_bytes, 3);
	pairing_close(p);
	stop();
}

static void check_url(const char *method, const char *target, const char *host, const char *want,
		      const char *want_host, const char *want_path)
{
	char *url = url_build(str_from(method), str_from(target), str_from(host));
	struct str got_host, got_path;

	C_STR_EQ(url, want);
	free(url);
	url_split(str_from(method), str_from(target), str_from(host), &got_host, &got_path);
	BYTES_EQ(got_host.p, got_host.len, want_host, strlen(want_host));
	BYTES_EQ(got_path.p, got_path.len, want_path, strlen(want_path));
}

static void test_url(void)
{
	check_url("GET", "/a", "h:8443", "https://h:8443/a", "h:8443", "/a");
	check_url("GET", "/a", "", "/a", "", "/a");
	check_url("GET", "http://other/x?y", "h", "http://other/x?y", "other", "/x?y");
	check_url("GET", "HTTPS://other", "h", "HTTPS://other", "other", "");
	check_url("CONNECT", "h:443", "h:443", "h:443", "h:443", "");
	check_url("OPTIONS", "*", "h", "https://h", "h", "*");
	check_url("GET", "", "", "", "", "");
}

/* Everything once, with the n-th allocation failing. False when there was no n-th. */
static bool run_without(unsigned n)
{
	static const struct header trailer = { STR_LIT("Sum"), STR_LIT("1") };
	struct pairing *p = start();
	bool hit;

	fail_alloc_at(n);
	request(p, 1, "/1");
	body(p, DIR_SENT, 1, "hello");
	finish(p, DIR_SENT, 1);
	response(p, 1, 200, false);
	body(p, DIR_RECEIVED, 1, "world");
	exchange_ops.trailers(p, DIR_RECEIVED, 1, &trailer, 1);
	finish(p, DIR_RECEIVED, 1);
	hit = fail_alloc_hit();
	fail_alloc_at(0);
	pairing_close(p);
	OK_MSG((counters.exchange.no_memory > 0) == hit, "allocation %u: counted", n);
	if (seen_cnt == 1 && seen[0]->request.present && seen[0]->response.present)
		OK_MSG(seen[0]->request.body_size == 5 && seen[0]->response.body_size == 5,
		       "sizes hold");
	for (size_t i = 0; i < seen_cnt; i++)
		OK_MSG(seen[i]->request.body.len == 5 || seen[i]->request.body_cut ||
			       !seen[i]->request.present,
		       "a body that is not whole says so");
	stop();
	return hit;
}

static void test_without_memory(void)
{
	unsigned n = 1;

	while (run_without(n))
		n++;
	OK(n > 6);
}

int main(void)
{
	RUN(test_one_exchange);
	RUN(test_server_role);
	RUN(test_interleaved);
	RUN(test_early_response);
	RUN(test_halves);
	RUN(test_body_limit);
	RUN(test_body_gap);
	RUN(test_open_limit);
	RUN(test_opaque);
	RUN(test_url);
	RUN(test_without_memory);
	return tap_done();
}

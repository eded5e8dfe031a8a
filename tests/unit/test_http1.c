// SPDX-License-Identifier: BSD-2-Clause
/*
 * A script is a list of steps: bytes sent or received, and gaps. Each one has the logs that are
 * expected of the two directions, whatever way its bytes are cut.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http1_log.h"
#include "proto/opaque.h"
#include "proto/registry.h"
#include "tap.h"

struct step {
	enum dir dir;
	const char *bytes; /* NULL: a gap */
	size_t len;
};

#define S(text)                                  \
	{                                        \
		DIR_SENT, text, sizeof(text) - 1 \
	}
#define R(text)                                      \
	{                                            \
		DIR_RECEIVED, text, sizeof(text) - 1 \
	}
#define SGAP(n)                   \
	{                         \
		DIR_SENT, NULL, n \
	}
#define RGAP(n)                       \
	{                             \
		DIR_RECEIVED, NULL, n \
	}
#define STEP_MAX 16

struct script {
	const char *name;
	struct step steps[STEP_MAX]; /* ends with the first of length 0 */
	const char *sent, *received; /* expected logs */
	const struct http1_limits *limits;
	bool cut; /* the capture ends before the connection */
};

static const struct http1_limits tight = {
	.head_max = 64,
	.header_cnt_max = 2,
	.chunk_line_max = 8,
	.trailer_max = 16,
	.pending_max = 1,
};

static const struct script scripts[] = {
	{ "a request and its response",
	  { S("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"),
	    R("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") },
	  "request 1 POST /a?b 1.1\n  Host: h\n  Content-Length: 3\nbody 1 abc\nend 1 complete\n",
	  "response 1 1.1 200 OK\n  Content-Length: 2\nbody 1 hi\nend 1 complete\n" },
	{ "a traced server: requests are received",
	  { R("GET / HTTP/1.0\n\n"), S("HTTP/1.0 200\r\n\r\nall\r\nof it") },
	  "response 1 1.0 200\nbody 1 all\\r\\nof it\nend 1 complete\n",
	  "request 1 GET / 1.0\nend 1 complete\n" },
	{ "chunks, extensions and trailers",
	  { S("PUT /c HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 9\r\n\r\n"
	      "3;x=\"y\"\r\nabc\r\n00A \r\n0123456789\r\n0\r\nA: 1\r\nB:2 \r\n\r\n"
	      "\r\nGET / HTTP/1.1\r\n\r\n") },
	  "request 1 PUT /c 1.1\n  Transfer-Encoding: gzip, Chunked\n  Content-Length: 9\n"
	  "body 1 abc0123456789\ntrailers 1\n  A: 1\n  B: 2\nend 1 complete\n"
	  "request 2 GET / 1.1\nend 2 complete\n",
	  "" },
	{ "pipelining, HEAD, interim, 204 and 304",
	  { S("HEAD / HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
	      "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n") },
	  "request 1 HEAD / 1.1\nend 1 complete\nrequest 2 GET /1 1.1\nend 2 complete\n"
	  "request 3 GET /2 1.1\nend 3 complete\n",
	  "response 1 1.1 200 OK\n  Content-Length: 5\nend 1 complete\n"
	  "response 2 1.1 100 Continue (interim)\nresponse 2 1.1 204 No\nend 2 complete\n"
	  "response 3 1.1 304 No\n  Content-Length: 9\nend 3 complete\n" },
	{ "an upgrade makes both directions opaque",
	  { S("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
	    R("HTTP/1.1 101 Go\r\n\r\n\x81\x01HTTP/1.1 200 OK\r\n\r\n"),
	    S("GET / HTTP/1.1\r\n\r\n") },
	  "request 1 GET /ws 1.1\n  Upgrade: websocket\nend 1 complete\n"
	  "opaque GET / HTTP/1.1\\r\\n\\r\\n\n",
	  "response 1 1.1 101 Go\nend 1 complete\n"
	  "opaque \\x81\\x01HTTP/1.1 200 OK\\r\\n\\r\\n\n" },
	{ "CONNECT: refused, then granted",
	  { S("CONNECT a:1 HTTP/1.1\r\n\r\n"), R("HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\nx"),
	    S("CONNECT a:1 HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntail"), S("\x16\x03") },
	  "request 1 CONNECT a:1 1.1\nend 1 complete\nrequest 2 CONNECT a:1 1.1\nend 2 complete\n"
	  "opaque \\x16\\x03\n",
	  "response 1 1.1 407 No\n  Content-Length: 1\nbody 1 x\nend 1 complete\n"
	  "response 2 1.1 200 OK\n  Content-Length: 4\nend 2 complete\nopaque tail\n" },
	{ "CONNECT: what follows is no body, whatever its fields say",
	  { S("CONNECT a:1 HTTP/1.1\r\nContent-Length: 9\r\n\r\nearly"),
	    R("HTTP/1.1 200 OK\r\n\r\n"), S(" data") },
	  "request 1 CONNECT a:1 1.1\n  Content-Length: 9\nend 1 complete\nopaque early data\n",
	  "response 1 1.1 200 OK\nend 1 complete\n" },
	{ "folded fields",
	  { S("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n  \r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n") },
	  "request 1 GET / 1.1\n  A: b  \\x09c\n  Transfer-Encoding: chunked\nend 1 complete\n",
	  "" },
	{ "a bad line ends the head; its bytes stay visible",
	  { S("GET / HTTP/1.1\r\nA: b\r\nC : d\r\nE: f\r\n\r\nGET /2 HTTP/1.1\r\n\r\n") },
	  "request 1 GET / 1.1\n  A: b\nend 1 invalid\nopaque C : d\\r\\nE: f\\r\\n\\r\\n\n"
	  "request 2 GET /2 1.1\nend 2 complete\n",
	  "" },
	{ "NUL and lone CR in values, a fold without a field",
	  { S("GET / HTTP/1.1\r\nA: b\0c\r\n\r\nGET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"
	      "GET / HTTP/1.1\r\n A: b\r\n\r\n") },
	  "request 1 GET / 1.1\nend 1 invalid\nopaque A: b\\x00c\\r\\n\\r\\n\n"
	  "request 2 GET / 1.1\nend 2 invalid\nopaque A: b\\rC: d\\r\\n\\r\\n\n"
	  "request 3 GET / 1.1\nend 3 invalid\nopaque  A: b\\r\\n\\r\\n\n",
	  "" },
	{ "Content-Length: equal ones agree, others do not",
	  { S("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx"
	      "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab\n"
	      "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\nab\n"
	      "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n") },
	  "request 1 GET / 1.1\n  Content-Length: 1, 1\n  Content-Length: 1\nbody 1 x\n"
	  "end 1 complete\n"
	  "request 2 GET / 1.1\n  Content-Length: 1\n  Content-Length: 2\nend 2 invalid\n"
	  "opaque ab\\n\nrequest 3 GET / 1.1\n  Content-Length: +1\nend 3 invalid\n"
	  "opaque ab\\n\nrequest 4 GET / 1.1\n  Content-Length: \nend 4 invalid\n"
	  "request 5 GET / 1.1\n  Transfer-Encoding: chunked, gzip\nend 5 invalid\n",
	  "" },
	{ "broken chunks",
	  { S("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naX\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n") },
	  "request 1 GET / 1.1\n  Transfer-Encoding: chunked\nbody 1 a\nend 1 invalid\n"
	  "opaque X\\r\\n\nrequest 2 GET / 1.1\n  Transfer-Encoding: chunked\nend 2 invalid\n"
	  "opaque -1\\r\\n\nrequest 3 GET / 1.1\n  Transfer-Encoding: chunked\nend 3 invalid\n"
	  "opaque ff\\r\\n\nrequest 4 GET / 1.1\n  Transfer-Encoding: chunked\nend 4 invalid\n"
	  "opaque bad\\r\\n\\r\\n\n",
	  "" },
	{ "joined in the middle of a body",
	  { R("of a body\nHTTP/1.1 is fine\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
	    S("GET /1 HTTP/1.1\r\n\r\n"), R("HTTP/1.1 204 No\r\n\r\n") },
	  "request 2 GET /1 1.1\nend 2 complete\n",
	  "opaque of a body\\nHTTP/1.1 is fine\\n\n"
	  "response 1 1.1 200 OK (alone)\n  Content-Length: 1\nbody 1 x\nend 1 complete\n"
	  "response 2 1.1 204 No\nend 2 complete\n" },
	{ "joined late: responses to HEAD have no body, whatever they say",
	  { R("HTTP/1.1 200 A\r\nContent-Length: 900\r\n\r\n"
	      "HTTP/1.1 200 B\r\nTransfer-Encoding: chunked\r\n\r\n"
	      "HTTP/1.1 200 C\r\n\r\nHTTP/1.0 200 D\r\nContent-Length: 2\r\n\r\nhi") },
	  "",
	  "response 1 1.1 200 A (alone)\n  Content-Length: 900\nend 1 complete\n"
	  "response 2 1.1 200 B (alone)\n  Transfer-Encoding: chunked\nend 2 complete\n"
	  "response 3 1.1 200 C (alone)\nend 3 complete\n"
	  "response 4 1.0 200 D (alone)\n  Content-Length: 2\nbody 4 hi\nend 4 complete\n" },
	{ "joined late: a body that begins almost like a head",
	  { R("HTTP/1.1 200 A\r\nContent-Length: 14\r\n\r\nHTTP/1.1 20x 1\n"
	      "HTTP/1.1 200 B\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/x\n"
	      "HTTP/1.1 200 C\r\nContent-Length: 5\r\n\r\nHTTP/1.1\n"
	      "HTTP/1.1 200 D\r\n\r\nHTTP/1"),
	    RGAP(3), R(".1 200 OK\r\n\r\n") },
	  "",
	  "response 1 1.1 200 A (alone)\n  Content-Length: 14\nbody 1 HTTP/1.1 20x 1\n"
	  "end 1 complete\n"
	  "response 2 1.1 200 B (alone)\n  Transfer-Encoding: chunked\nend 2 invalid\n"
	  "opaque HTTP/x\\n\n"
	  "response 3 1.1 200 C (alone)\n  Content-Length: 5\nbody 3 HTTP/\nend 3 complete\n"
	  "opaque 1.1\\n\n"
	  "response 4 1.1 200 D (alone)\nbody 4 HTTP/1\nbody_gap 4 3\n"
	  "body 4 .1 200 OK\\r\\n\\r\\n\nend 4 gap\n" },
	{ "a known request: a body may begin like a head",
	  { S("GET / HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 200 A\r\nContent-Length: 12\r\n\r\nHTTP/1.1 200") },
	  "request 1 GET / 1.1\nend 1 complete\n",
	  "response 1 1.1 200 A\n  Content-Length: 12\nbody 1 HTTP/1.1 200\nend 1 complete\n" },
	{ "joined late: the end comes while a body is looked at",
	  { R("HTTP/1.1 200 A\r\nContent-Length: 99\r\n\r\nHTTP/1.1 2") },
	  "",
	  "response 1 1.1 200 A (alone)\n  Content-Length: 99\nbody 1 HTTP/1.1 2\n"
	  "end 1 closed\n" },
	{ "a broken interim head: its opaque rest shows",
	  { S("GET /1 HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 103 Early\r\nLink: a\r\nLink b\r\nX: y\r\n\r\n"
	      "HTTP/1.1 103 Early\r\nLink: c\r\nLin"),
	    RGAP(2), R("HTTP/1.1 103 Early\r\nLink") },
	  "request 1 GET /1 1.1\nend 1 complete\n",
	  "response 1 1.1 103 Early (interim)\n  Link: a\n"
	  "opaque Link b\\r\\nX: y\\r\\n\\r\\n\n"
	  "response 1 1.1 103 Early (interim)\n  Link: c\nopaque Lin\nopaque_gap 77 2\n"
	  "response 2 1.1 103 Early (interim) (alone)\nopaque Link\n" },
	{ "an interim response alone keeps its number",
	  { R("HTTP/1.1 100 Go\r\n\r\n"), S("GET /1 HTTP/1.1\r\n\r\n") },
	  "request 2 GET /1 1.1\nend 2 complete\n",
	  "response 1 1.1 100 Go (interim) (alone)\n" },
	{ "a gap inside a body of known length",
	  { S("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), SGAP(4), S("ghi"),
	    R("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na"), RGAP(4),
	    R("\r\n0\r\n\r\n"), S("GET / HTTP/1.1\r\n\r\n"), R("HTTP/1.1 204 No\r\n\r\n") },
	  "request 1 PUT / 1.1\n  Content-Length: 9\nbody 1 ab\nbody_gap 1 4\nbody 1 ghi\n"
	  "end 1 gap\nrequest 2 GET / 1.1\nend 2 complete\n",
	  "response 1 1.1 200 OK\n  Transfer-Encoding: chunked\nbody 1 a\nbody_gap 1 4\nend 1 gap\n"
	  "response 2 1.1 204 No\nend 2 complete\n" },
	{ "a gap past the body: nothing is paired until the connection is quiet",
	  { S("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"), SGAP(40),
	    S("rest\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), R("HTTP/1.1 204 A\r\n\r\n"),
	    R("HTTP/1.1 204 B\r\n\r\n"), S("GET /3 HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 204 C\r\n\r\n") },
	  "request 1 PUT / 1.1\n  Content-Length: 9\nbody 1 ab\nbody_gap 1 7\nend 1 gap\n"
	  "opaque_gap 46 33\nopaque rest\\r\\n\\r\\n\nrequest 2 GET /2 1.1\nend 2 complete\n"
	  "request 5 GET /3 1.1\nend 5 complete\n",
	  "response 3 1.1 204 A (alone)\nend 3 complete\n"
	  "response 4 1.1 204 B (alone)\nend 4 complete\nresponse 5 1.1 204 C\nend 5 complete\n" },
	{ "a gap in a response's head",
	  { S("GET / HTTP/1.1\r\n\r\n"), R("HTTP/1.1 200 OK\r\nA: b\r\nContent-L"), RGAP(20),
	    R("HTTP/1.1 204 B\r\n\r\n") },
	  "request 1 GET / 1.1\nend 1 complete\n",
	  "response 1 1.1 200 OK\n  A: b\nend 1 gap\nopaque Content-L\nopaque_gap 32 20\n"
	  "response 2 1.1 204 B (alone)\nend 2 complete\n" },
	{ "a gap in a body that ends with the connection",
	  { S("GET / HTTP/1.1\r\n\r\n"), R("HTTP/1.1 200 OK\r\n\r\nab"), RGAP(3), R("cd") },
	  "request 1 GET / 1.1\nend 1 complete\n",
	  "response 1 1.1 200 OK\nbody 1 ab\nbody_gap 1 3\nbody 1 cd\nend 1 gap\n" },
	{ "a connection that pipelined is never paired again after a loss",
	  { S("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), RGAP(5),
	    R("HTTP/1.1 204 A\r\n\r\n"), S("GET /3 HTTP/1.1\r\n\r\n"),
	    R("HTTP/1.1 204 B\r\n\r\n") },
	  "request 1 GET /1 1.1\nend 1 complete\nrequest 2 GET /2 1.1\nend 2 complete\n"
	  "request 4 GET /3 1.1\nend 4 complete\n",
	  "opaque_gap 0 5\nresponse 3 1.1 204 A (alone)\nend 3 complete\n"
	  "response 5 1.1 204 B (alone)\nend 5 complete\n" },
	{ "a close-delimited body is complete when the connection closed",
	  { S("GET / HTTP/1.0\r\n\r\n"), R("HTTP/1.0 200 OK\r\n\r\nab") },
	  "request 1 GET / 1.0\nend 1 complete\n",
	  "response 1 1.0 200 OK\nbody 1 ab\nend 1 complete\n" },
	{ "… and is not when only the capture ended",
	  { S("GET / HTTP/1.0\r\n\r\n"), R("HTTP/1.0 200 OK\r\n\r\nab") },
	  "request 1 GET / 1.0\nend 1 complete\n",
	  "response 1 1.0 200 OK\nbody 1 ab\nend 1 closed\n",
	  .cut = true },
	{ "closed too early",
	  { S("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab"),
	    R("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\nC") },
	  "request 1 PUT / 1.1\n  Content-Length: 9\nbody 1 ab\nend 1 closed\n",
	  "response 1 1.1 200 OK\n  Transfer-Encoding: chunked\nbody 1 ab\ntrailers 1\n  A: b\n"
	  "end 1 closed\nopaque C\n" },
	{ "limit: head bytes",
	  { S("GET / HTTP/1.1\r\nA: b\r\nB: 0123456789012345678901234567890123456789012345678901\r\n\r\n"
	      "GET /0123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\r\n\r\n") },
	  "request 1 GET / 1.1\n  A: b\nend 1 limit\n"
	  "opaque B: 0123456789012345678901234567890123456789012345678901\\r\\n\\r\\n"
	  "GET /0123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\\r\\n\\r\\n\n",
	  "",
	  &tight },
	{ "limit: fields, chunk line, trailers",
	  { S("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;234567890\r\n"
	      "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nB: 0123456789\r\n") },
	  "request 1 GET / 1.1\n  A: 1\n  B: 2\nend 1 limit\nopaque C: 3\\r\\n\\r\\n\n"
	  "request 2 GET / 1.1\n  Transfer-Encoding: chunked\nend 2 limit\nopaque 890\\r\\n\n"
	  "request 3 GET / 1.1\n  Transfer-Encoding: chunked\ntrailers 3\n  A: b\nend 3 limit\n"
	  "opaque B: 0123456789\\r\\n\n",
	  "",
	  &tight },
	{ "limit: more outstanding requests than are remembered",
	  { S("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), R("HTTP/1.1 204 A\r\n\r\n") },
	  "request 1 GET /1 1.1\nend 1 complete\nrequest 2 GET /2 1.1\nend 2 complete\n",
	  "response 3 1.1 204 A (alone)\nend 3 complete\n",
	  &tight },
};

static size_t script_len(const struct script *s)
{
	size_t len = 0;

	for (size_t i = 0; i < STEP_MAX && s->steps[i].len; i++)
		len += s->steps[i].bytes ? s->steps[i].len : 0;
	return len;
}

/* Feeds the script; its bytes are numbered through and cut at `cuts`. */
static void play(struct http1_log *l, const struct script *s, const size_t *cuts, size_t cut_cnt)
{
	size_t at = 0, cut = 0;

	for (size_t i = 0; i < STEP_MAX && s->steps[i].len; i++) {
		const struct step *step = &s->steps[i];
		size_t pos = 0;

		if (!step->bytes)
			http1_log_gap(l, step->dir, step->len);
		while (step->bytes && pos < step->len) {
			size_t n = step->len - pos;
			void *copy;

			while (cut < cut_cnt && cuts[cut] <= at)
				cut++;
			if (cut < cut_cnt && cuts[cut] - at < n)
				n = cuts[cut] - at;
			copy = guarded_copy(step->bytes + pos, n);
			http1_log_feed(l, step->dir, copy, n);
			guarded_free(copy, n);
			pos += n;
			at += n;
		}
	}
	http1_log_end(l, !s->cut);
}

static unsigned bad_splits;

static void play_split(void *user, const size_t *cuts, size_t cut_cnt)
{
	const struct script *s = user;
	struct http1_log l;

	if (!http1_log_open(&l, s->limits))
		abort();
	play(&l, s, cuts, cut_cnt);
	if (l.fault[0] || strcmp(http1_log_text(&l, DIR_SENT), s->sent) != 0 ||
	    strcmp(http1_log_text(&l, DIR_RECEIVED), s->received) != 0) {
		if (!bad_splits++) {
			tap_note("fault: %s", l.fault);
			C_STR_EQ(http1_log_text(&l, DIR_SENT), s->sent);
			C_STR_EQ(http1_log_text(&l, DIR_RECEIVED), s->received);
		}
	}
	http1_log_close(&l);
}

static void test_scripts_in_every_split(void)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		bad_splits = 0;
		for_each_split(script_len(&scripts[i]), play_split, (void *)&scripts[i]);
		OK_MSG(!bad_splits, "%s: every split", scripts[i].name);
	}
}

static void test_scripts_without_memory(void)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		const struct script *s = &scripts[i];
		size_t len = script_len(s);
		size_t cuts[4] = { len / 5 + 1, len / 3 + 2, len / 2 + 2, len - 1 };
		unsigned n = 0;
		bool good = true, hit = true;

		for (; hit && n < 400; n++) {
			struct http1_log l;

			if (!http1_log_open(&l, s->limits))
				abort();
			/* the log's own memory is there before */
			for (int dir = 0; dir < DIR_CNT; dir++) {
				buf_reserve(&l.sides[dir].text, 256 * 1024);
				buf_reserve(&l.sides[dir].bytes, len + 1);
				buf_reserve(&l.sides[dir].told, len + 1);
			}
			fail_alloc_at(n + 1);
			play(&l, s, cuts, 4);
			hit = fail_alloc_hit();
			fail_alloc_at(0);
			if (l.fault[0])
				tap_note("allocation %u: %s", n + 1, l.fault);
			good &= !l.fault[0];
			http1_log_close(&l);
		}
		OK_MSG(good && !hit, "%s: %u allocations failed in turn", s->name, n - 1);
	}
}

static void test_open_without_memory(void)
{
	struct http1_log l;

	fail_alloc_at(1);
	OK(!http1_log_open(&l, NULL));
	fail_alloc_at(0);
	proto_http1.close(NULL);
}

/* Feeds `data`, of which `len` bytes at `at` are lost, and checks the sums. */
static bool gap_is_accounted(const char *req, const char *data, size_t size, size_t at, size_t len,
			     bool bytewise)
{
	struct http1_log l;
	bool good;

	if (!http1_log_open(&l, NULL))
		abort();
	http1_log_feed(&l, DIR_SENT, (const uint8_t *)req, strlen(req));
	for (size_t i = 0; i < size;) {
		size_t n = i < at ? at - i : size - i;

		if (i == at) {
			http1_log_gap(&l, DIR_RECEIVED, len);
			i += len;
			continue;
		}
		n = bytewise ? 1 : n;
		http1_log_feed(&l, DIR_RECEIVED, (const uint8_t *)data + i, n);
		i += n;
	}
	http1_log_end(&l, true);
	if (l.fault[0])
		tap_note("gap of %zu at %zu: %s", len, at, l.fault);
	good = !l.fault[0];
	http1_log_close(&l);
	return good;
}

static void test_gap_at_every_place(void)
{
	static const char *const inputs[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n0123456\r\nHTTP/1.1 204 No\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a\r\n0123\r\n2\r\nab\r\n0\r\n"
		"T: v\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\nall the rest",
		"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 101 Up\r\n\r\nframes",
	};

	for (size_t i = 0; i < 3; i++) {
		size_t size = strlen(inputs[i]);
		bool good = true;

		for (size_t at = 0; at < size; at++)
			for (size_t len = 1; len <= size - at; len++)
				for (int bytewise = 0; bytewise < 2; bytewise++)
					good &= gap_is_accounted("GET / HTTP/1.1\r\n\r\n",
								 inputs[i], size, at, len,
								 bytewise);
		OK_MSG(good, "input %zu: every gap is accounted for", i);
	}
}

static void test_default_limits(void)
{
	size_t size = 300 * 1024;
	char *data = malloc(size);
	struct http1_log l;
	const char *text;

	if (!data || !http1_log_open(&l, NULL))
		abort();
	memset(data, 'a', size);
	memcpy(data, "GET / HTTP/1.1\r\nA: ", 19);
	http1_log_feed(&l, DIR_SENT, (uint8_t *)data, size / 2);
	http1_log_feed(&l, DIR_SENT, (uint8_t *)data + size / 2, size - size / 2);
	http1_log_end(&l, true);
	C_STR_EQ(l.fault, "");
	text = http1_log_text(&l, DIR_SENT);
	OK(strstr(text, "request 1 GET / 1.1\nend 1 limit\nopaque A: aaa") == text);
	INT_EQ(http1_account_of(l.p, DIR_SENT).opaque, size - 16);
	http1_log_close(&l);
	free(data);
}

static void test_many_outstanding(void)
{
	static const char req[] = "GET / HTTP/1.1\r\n\r\n", res[] = "HTTP/1.1 204 N\r\n\r\n";
	struct http1_log l;

	if (!http1_log_open(&l, NULL))
		abort();
	for (int i = 0; i < 9000; i++) {
		http1_log_feed(&l, DIR_SENT, (const uint8_t *)req, sizeof(req) - 1);
		if (i % 3)
			http1_log_feed(&l, DIR_RECEIVED, (const uint8_t *)res, sizeof(res) - 1);
	}
	for (int i = 0; i < 3000; i++)
		http1_log_feed(&l, DIR_RECEIVED, (const uint8_t *)res, sizeof(res) - 1);
	http1_log_end(&l, true);
	C_STR_EQ(l.fault, "");
	OK(!strstr(http1_log_text(&l, DIR_RECEIVED), "(alone)"));
	OK(strstr(http1_log_text(&l, DIR_RECEIVED),
		  "response 9000 1.1 204 N\nend 9000 complete\n"));
	http1_log_close(&l);
}

static enum proto_match probe(const char *text)
{
	size_t len = strlen(text);
	void *copy = guarded_copy(text, len);
	enum proto_match m = proto_http1.probe(copy, len);

	guarded_free(copy, len);
	return m;
}

static void test_probe(void)
{
	INT_EQ(probe(""), PROTO_MAYBE);
	INT_EQ(probe("G"), PROTO_MAYBE);
	INT_EQ(probe("GET "), PROTO_MAYBE);
	INT_EQ(probe("GET /"), PROTO_YES);
	INT_EQ(probe("\r\nPOST h"), PROTO_YES);
	INT_EQ(probe("PROP"), PROTO_MAYBE);
	INT_EQ(probe("PROPFIND /x"), PROTO_YES);
	INT_EQ(probe("HTTP/1.1 200 OK"), PROTO_YES);
	INT_EQ(probe("HTTP/1"), PROTO_MAYBE);
	INT_EQ(probe("HTTP/2"), PROTO_NO);
	INT_EQ(probe("GETX /"), PROTO_NO);
	INT_EQ(probe("GET  /"), PROTO_NO);
	INT_EQ(probe("get /"), PROTO_NO);
	INT_EQ(probe("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROTO_NO);
	INT_EQ(probe("DESCRIBE rtsp://h/ RTSP/1.0\r\n"), PROTO_NO);
	INT_EQ(probe("RTSP/1.0 200 OK\r\n"), PROTO_NO);
	INT_EQ(probe("\x16\x03\x01"), PROTO_NO);
	INT_EQ(probe("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
		     "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"),
	       PROTO_NO);
}

static void test_registry(void)
{
	OK(proto_registry_cnt >= 2);
	OK(proto_registry[0] == &proto_http1);
	OK(proto_registry[proto_registry_cnt - 1] == &proto_opaque);
}

static uint64_t opaque_bytes, opaque_lost;

static void count_opaque(void *user, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
			 uint64_t ts_ns)
{
	opaque_bytes += len;
}

static void count_opaque_gap(void *user, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
			     uint64_t ts_ns)
{
	opaque_lost += len;
}

static void test_opaque(void)
{
	static const struct message_ops ops = { .opaque = count_opaque,
						.opaque_gap = count_opaque_gap };
	struct proto *p = proto_opaque.open(&ops, NULL);

	if (!OK(p != NULL))
		return;
	INT_EQ(proto_opaque.probe(NULL, 0), PROTO_YES);
	proto_opaque.feed(p, DIR_SENT, 0, (const uint8_t *)"abc", 3, 1);
	proto_opaque.gap(p, DIR_SENT, 3, 5, GAP_LIMIT, 1);
	proto_opaque.end(p, DIR_SENT, true, 1);
	INT_EQ(opaque_bytes, 3);
	INT_EQ(opaque_lost, 5);
	proto_opaque.close(p);
	proto_opaque.close(NULL);
	fail_alloc_at(1);
	OK(proto_opaque.open(&ops, NULL) == NULL);
	fail_alloc_at(0);
}

int main(void)
{
	RUN(test_scripts_in_every_split);
	RUN(test_scripts_without_memory);
	RUN(test_open_without_memory);
	RUN(test_gap_at_every_place);
	RUN(test_default_limits);
	RUN(test_many_outstanding);
	RUN(test_probe);
	RUN(test_registry);
	RUN(test_opaque);
	return tap_done();
}

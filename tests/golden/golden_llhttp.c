// SPDX-License-Identifier: BSD-2-Clause
/*
 * Holds the parser against llhttp's own test cases, where they are present: the folder llhttp/ in
 * $PLAINTAP_CORPORA, by default ../shared/corpora beside the sources. Start lines, fields, bodies,
 * and whether each message is complete or broken must be the same. Where an observer deliberately
 * reads otherwise, a row of the table says so; a row that is not needed any more fails the test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llhttp_case.h"
#include "proto/http1.h"
#include "story.h"
#include "tap.h"

enum { COMPARED_MIN = 100, REQUESTS = 16 };

static const char *const files[] = {
	"request/connection",
	"request/content-length",
	"request/finish",
	"request/invalid",
	"request/lenient-header-value-relaxed",
	"request/lenient-headers",
	"request/lenient-version",
	"request/method",
	"request/pausing",
	"request/pipelining",
	"request/sample",
	"request/transfer-encoding",
	"request/uri",
	"response/connection",
	"response/content-length",
	"response/finish",
	"response/invalid",
	"response/lenient-version",
	"response/pausing",
	"response/pipelining",
	"response/sample",
	"response/transfer-encoding",
};

/* Why an observer reads otherwise. */
#define CLOSE	   "what is said after 'Connection: close' was said all the same"
#define METHOD	   "any token is a method (RFC 9110 9.1)"
#define LONE_LF	   "a lone LF ends a line, as a recipient may read it (RFC 9112 2.2)"
#define FOLD	   "folded lines are read as blanks (RFC 9112 5.2)"
#define ODD_BYTE   "a byte that is not allowed but cannot move the message's end"
#define NOT_HTTP1  "RTSP, ICE and HTTP/0.9 are not HTTP/1.x"
#define CHUNK_LINE "what follows a chunk's size in its line cannot move the chunk's end"

struct exception {
	const char *file, *heading, *why;
	bool found;
};

static struct exception exceptions[] = {
	{ "request/connection", "No restart when keep-alive is off (1.0)", CLOSE, false },
	{ "request/connection", "CRLF between requests, explicit `close`", CLOSE, false },
	{ "request/connection", "CRLF between requests, explicit `close` followed by tab", CLOSE,
	  false },
	{ "response/connection", "HTTP/1.1 with keep-alive disabled and 204 status", CLOSE, false },
	{ "response/connection", "HTTP/1.1 with keep-alive disabled, content-length", CLOSE,
	  false },
	{ "request/invalid", "HTTP protocol and ANNOUNCE method", METHOD, false },
	{ "request/invalid", "Invalid method", METHOD, false },
	{ "request/method", "PRI request HTTP2", METHOD, false },
	{ "request/invalid", "Headers separated by LF", LONE_LF, false },
	{ "request/invalid", "Empty headers separated by LF", LONE_LF, false },
	{ "request/invalid", "Missing CR between headers", LONE_LF, false },
	{ "request/invalid", "Only LFs present", LONE_LF, false },
	{ "request/sample", "Line folding in header value with LF", LONE_LF, false },
	{ "request/transfer-encoding", "Validate chunk parameters", LONE_LF, false },
	{ "response/invalid", "Only LFs present and no body", LONE_LF, false },
	{ "response/invalid", "Only LFs present", LONE_LF, false },
	{ "response/sample", "No carriage ret", LONE_LF, false },
	{ "request/invalid", "Spaces before headers", FOLD, false },
	{ "request/invalid", "Invalid header token #1", ODD_BYTE, false },
	{ "request/lenient-header-value-relaxed", "Control char in header value (strict)", ODD_BYTE,
	  false },
	{ "request/lenient-headers", "Header value", ODD_BYTE, false },
	{ "request/uri", "Disallow UTF-8 in URI path in strict mode", ODD_BYTE, false },
	{ "request/method", "SOURCE request with ICE", NOT_HTTP1, false },
	{ "request/method", "OPTIONS request with RTSP", NOT_HTTP1, false },
	{ "request/method", "ANNOUNCE request with RTSP", NOT_HTTP1, false },
	{ "request/sample", "No HTTP version", NOT_HTTP1, false },
	{ "response/sample", "RTSP response", NOT_HTTP1, false },
	{ "response/sample", "ICE response", NOT_HTTP1, false },
	{ "response/sample", "HTTP version 0.9", NOT_HTTP1, false },
	{ "request/transfer-encoding", "No extension after semicolon", CHUNK_LINE, false },
	{ "request/transfer-encoding", "Unbalanced chunk extensions quoting", CHUNK_LINE, false },
	{ "request/transfer-encoding", "Space after chunk header", CHUNK_LINE, false },
	{ "response/transfer-encoding", "Trailing space on chunked body", CHUNK_LINE, false },
	{ "response/transfer-encoding", "No extension after semicolon", CHUNK_LINE, false },
	{ "response/transfer-encoding", "Unbalanced chunk extensions quoting", CHUNK_LINE, false },
};

static unsigned compared, excepted, other_mode;

/* Ours: one direction of it. */
struct observed {
	struct story *story;
	enum dir dir;
};

static void on_head(void *user, enum dir dir, const struct message_head *h, uint64_t ts_ns)
{
	struct observed *o = user;

	if (dir != o->dir)
		return;
	story_head_begins(o->story);
	if (h->kind == MESSAGE_REQUEST)
		story_line(o->story, "request %.*s %.*s %.*s", (int)h->method.len, h->method.p,
			   (int)h->target.len, h->target.p, (int)h->version.len, h->version.p);
	else
		story_line(o->story, "response %.*s %u%s%.*s", (int)h->version.len, h->version.p,
			   h->status, h->reason.len ? " " : "", (int)h->reason.len, h->reason.p);
	for (size_t i = 0; i < h->header_cnt; i++)
		story_field(o->story, h->headers[i].name.p, h->headers[i].name.len,
			    h->headers[i].value.p, h->headers[i].value.len);
	if (h->interim)
		story_line(o->story, "complete");
}

static void on_body(void *user, enum dir dir, uint64_t exchange, const uint8_t *data, size_t len,
		    uint64_t ts_ns)
{
	struct observed *o = user;

	if (dir == o->dir)
		story_body(o->story, data, len);
}

static void on_trailers(void *user, enum dir dir, uint64_t exchange, const struct header *headers,
			size_t header_cnt)
{
	struct observed *o = user;

	for (size_t i = 0; dir == o->dir && i < header_cnt; i++)
		story_field(o->story, headers[i].name.p, headers[i].name.len, headers[i].value.p,
			    headers[i].value.len);
}

static void on_end(void *user, enum dir dir, uint64_t exchange, enum message_end end,
		   uint64_t ts_ns)
{
	struct observed *o = user;

	if (dir != o->dir)
		return;
	if (end == MESSAGE_COMPLETE)
		story_line(o->story, "complete");
	else if (end == MESSAGE_END_CLOSED)
		story_line(o->story, "cut");
	else
		story_error(o->story);
}

static void on_opaque(void *user, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		      uint64_t ts_ns)
{
	struct observed *o = user;

	if (dir != o->dir || o->story->over)
		return;
	story_head_begins(o->story);
	story_error(o->story);
}

static const struct message_ops observer = {
	.head = on_head,
	.body = on_body,
	.trailers = on_trailers,
	.end = on_end,
	.opaque = on_opaque,
};

/* What our parser says; bytes come in pieces of `piece`. */
static void observe(const struct llhttp_case *c, size_t piece, struct story *ret)
{
	bool is_response = strncmp(c->type, "response", 8) == 0;
	struct observed o = { ret, is_response ? DIR_RECEIVED : DIR_SENT };
	struct proto *p = proto_http1.open(&observer, &o);
	const char *ask = c->skip_body ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n";
	uint64_t off = 0;

	for (int i = 0; is_response && i < REQUESTS; i++, off += strlen(ask))
		proto_http1.feed(p, DIR_SENT, off, (const uint8_t *)ask, strlen(ask), 1);
	for (size_t at = 0; at < c->input.len; at += piece) {
		size_t n = c->input.len - at < piece ? c->input.len - at : piece;
		void *copy = guarded_copy(c->input.data + at, n);

		proto_http1.feed(p, o.dir, at, copy, n, 1);
		guarded_free(copy, n);
	}
	if (strstr(c->type, "-finish"))
		proto_http1.end(p, o.dir, true, 1);
	proto_http1.close(p);
}

static struct exception *find_exception(const char *file, const char *heading)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (strcmp(exceptions[i].file, file) == 0 &&
		    strcmp(exceptions[i].heading, heading) == 0)
			return &exceptions[i];
	return NULL;
}

/* llhttp has switches that change its rules; those cases say nothing about ours. */
static bool is_other_mode(const struct llhttp_case *c)
{
	return strstr(c->type, "-lenient-") ||
	       (c->skip_body && strncmp(c->type, "request", 7) == 0);
}

static void judge(const char *file, const struct llhttp_case *c, struct story *got,
		  struct story *want)
{
	struct exception *e = find_exception(file, c->heading);
	bool agrees = story_agrees(got, want);

	if (e) {
		e->found = true;
		excepted++;
		OK_MSG(!agrees, "%s: %s: differs (%s)", file, c->heading, e->why);
		return;
	}
	compared++;
	if (OK_MSG(agrees, "%s: %s", file, c->heading))
		return;
	tap_note("got  %s", story_text(got));
	tap_note("want %s%s%s", story_text(want), want->open_end ? " (open)" : "",
		 want->head_error ? " (in a head)" : "");
}

static void run_case(const char *file, struct llhttp_case *c)
{
	struct story want, whole, bytewise;
	struct str bad;

	if (is_other_mode(c)) {
		other_mode++;
		return;
	}
	story_init(&want);
	story_init(&whole);
	story_init(&bytewise);
	if (!llhttp_case_story(c, &want, &bad))
		OK_MSG(false, "%s: %s: cannot read %.*s", file, c->heading, (int)bad.len, bad.p);
	/* ours reads whole heads: where one is refused before its end, let it end */
	if (want.head_error)
		buf_append_str(&c->input, "\r\n\r\n");
	observe(c, c->input.len, &whole);
	observe(c, 1, &bytewise);
	if (strcmp(story_text(&whole), story_text(&bytewise)) != 0)
		OK_MSG(false, "%s: %s: the same byte by byte", file, c->heading);
	judge(file, c, &whole, &want);
	story_done(&want);
	story_done(&whole);
	story_done(&bytewise);
}

static void run_file(const char *folder, const char *file)
{
	struct llhttp_case c;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.md", folder, file);
	f = fopen(path, "r");
	if (!OK_MSG(f != NULL, "%s opens", path))
		return;
	llhttp_case_init(&c);
	while (llhttp_case_read(&c, f))
		run_case(file, &c);
	llhttp_case_done(&c);
	fclose(f);
}

int main(void)
{
	const char *corpora = getenv("PLAINTAP_CORPORA"), *root = getenv("PLAINTAP_SOURCE_ROOT");
	char folder[2048];

	if (corpora)
		snprintf(folder, sizeof(folder), "%s/llhttp", corpora);
	else
		snprintf(folder, sizeof(folder), "%s/../shared/corpora/llhttp", root ? root : ".");
	if (access(folder, F_OK) < 0) {
		tap_skip("llhttp's cases", "the corpus is not there (PLAINTAP_CORPORA)");
		return tap_done();
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		run_file(folder, files[i]);
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		OK_MSG(exceptions[i].found, "an exception has its case: %s: %s", exceptions[i].file,
		       exceptions[i].heading);
	tap_note("%u cases compared, %u excepted, %u in another mode of llhttp", compared, excepted,
		 other_mode);
	OK_MSG(compared >= COMPARED_MIN, "at least %d cases were compared", COMPARED_MIN);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * The notation, as llhttp's own runner reads it. Input: the block without its last newline; "\" at
 * a line's end joins it to the next, other line ends become CRLF; then \r \n \t \f, \x and \octal,
 * which name characters, put down in UTF-8. Log: a call a line; a span may come in parts, CR and LF
 * in one are parts of their own, "span[x]=cr".
 */
#include "llhttp_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void llhttp_case_init(struct llhttp_case *c)
{
	*c = (struct llhttp_case){ 0 };
	buf_init(&c->input, 1 << 20);
	buf_init(&c->log, 1 << 20);
}

void llhttp_case_done(struct llhttp_case *c)
{
	buf_done(&c->input);
	buf_done(&c->log);
}

static int digit_of(char c, int base)
{
	int v = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' ? (c | 0x20) - 'a' + 10 : 99;

	return v < base ? v : -1;
}

static void put_char(struct buf *b, unsigned c)
{
	if (c >= 0x80)
		buf_append_byte(b, (uint8_t)(0xc0 | (c >> 6)));
	buf_append_byte(b, (uint8_t)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
}

/* What follows a backslash: puts it down, returns how long it was; 0: no escape. */
static size_t unescape(struct buf *b, const char *p)
{
	static const char names[] = "rntf", values[] = "\r\n\t\f";
	const char *name = *p ? strchr(names, *p) : NULL;
	int base = *p == 'x' ? 16 : 8;
	size_t n = base == 16, first = n;
	unsigned c = 0;

	if (name) {
		buf_append_byte(b, (uint8_t)values[name - names]);
		return 1;
	}
	for (; n < 3 && digit_of(p[n], base) >= 0; n++)
		c = c * (unsigned)base + (unsigned)digit_of(p[n], base);
	if (n > first)
		put_char(b, c & 0xff);
	return n > first ? n : 0;
}

/* A line of the input block, without its newline. */
static void input_line(struct buf *b, const char *line)
{
	for (; *line; line++) {
		if (line[0] == '\\' && !line[1])
			return;
		if (line[0] == '\\') {
			size_t n = unescape(b, line + 1);

			line += n;
			if (n)
				continue;
		}
		buf_append_byte(b, (uint8_t)*line);
	}
	buf_append_str(b, "\r\n");
}

static void read_meta(struct llhttp_case *c, const char *line)
{
	const char *type = strstr(line, "\"type\"");
	const char *from = type ? strchr(type + 6, '"') : NULL;

	if (from)
		snprintf(c->type, sizeof(c->type), "%.*s", (int)strcspn(from + 1, "\""), from + 1);
	c->skip_body = strstr(line, "\"skipBody\": true") != NULL;
}

bool llhttp_case_read(struct llhttp_case *c, FILE *f)
{
	char line[8192];
	char block = 0;

	buf_reset(&c->input);
	buf_reset(&c->log);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "```", 3) == 0) {
			if (block == 'l')
				return true;
			if (block == 'h' && c->input.len >= 2)
				c->input.len -= 2; /* the block's last newline */
			block = block ? 0 : line[3];
		} else if (block == 'h') {
			input_line(&c->input, line);
		} else if (block == 'l') {
			buf_append_str(&c->log, line);
			buf_append_byte(&c->log, '\n');
		} else if (line[0] == '#') {
			snprintf(c->heading, sizeof(c->heading), "%.100s",
				 line + strspn(line, "# "));
		} else if (strncmp(line, "<!-- meta=", 10) == 0) {
			read_meta(c, line);
		}
	}
	return false;
}

enum span { SPAN_METHOD, SPAN_URL, SPAN_VERSION, SPAN_STATUS, SPAN_NAME, SPAN_VALUE, SPAN_CNT };

/* The message whose calls are being read. */
struct teller {
	struct story *story;
	struct buf spans[SPAN_CNT];
	struct buf fields; /* pairs, each part ended by a newline */
	bool in_head;
};

static struct str span_str(const struct teller *t, enum span i)
{
	return str_make(t->spans[i].data, t->spans[i].len);
}

static void message_begins(struct teller *t)
{
	for (int i = 0; i < SPAN_CNT; i++)
		buf_reset(&t->spans[i]);
	story_head_begins(t->story);
	buf_reset(&t->fields);
	t->in_head = true;
}

/* A field is whole. In a head it waits for the start line, which ends with the status. */
static void field_ends(struct teller *t)
{
	struct str name = span_str(t, SPAN_NAME), value = span_str(t, SPAN_VALUE);

	if (!t->in_head) {
		story_field(t->story, name.p, name.len, value.p, value.len);
	} else {
		buf_append(&t->fields, name.p, name.len);
		buf_append_byte(&t->fields, '\0');
		buf_append(&t->fields, value.p, value.len);
		buf_append_byte(&t->fields, '\0');
	}
	buf_reset(&t->spans[SPAN_NAME]);
	buf_reset(&t->spans[SPAN_VALUE]);
}

#define STRS(s) (int)(s).len, (s).len ? (s).p : ""

static void head_ends(struct teller *t, const char *line)
{
	struct str method = span_str(t, SPAN_METHOD), url = span_str(t, SPAN_URL);
	struct str version = span_str(t, SPAN_VERSION), reason = span_str(t, SPAN_STATUS);
	const char *status = strstr(line, "status=");
	size_t at = 0;

	if (status)
		story_line(t->story, "response %.*s %.3s%s%.*s", STRS(version), status + 7,
			   reason.len ? " " : "", STRS(reason));
	else
		story_line(t->story, "request %.*s %.*s %.*s", STRS(method), STRS(url),
			   STRS(version));
	while (at < t->fields.len) {
		const char *name = (const char *)t->fields.data + at;
		const char *value = name + strlen(name) + 1;

		story_field(t->story, name, strlen(name), value, strlen(value));
		at += strlen(name) + strlen(value) + 2;
	}
	t->in_head = false;
}

/* The text of a span's line. False: it is not as long as it says. */
static bool span_text(const char *line, struct buf *ret)
{
	const char *eq = strstr(line, "]=") + 2, *end = strrchr(eq, '"');
	const char *len = strstr(line, "len=");
	uint64_t want;

	buf_reset(ret);
	if (*eq != '"')
		return buf_append_byte(ret, *eq == 'c' ? '\r' : '\n') >= 0;
	for (const char *p = eq + 1; p < end; p++) {
		if (*p == '\\' && (p[1] == 't' || p[1] == 'f'))
			buf_append_byte(ret, *++p == 't' ? '\t' : '\f');
		else
			buf_append_byte(ret, (uint8_t)*p);
	}
	return len && str_to_u64(str_make(len + 4, strcspn(len + 4, " ")), 10, &want) == 0 &&
	       want == ret->len;
}

static bool read_span(struct teller *t, const char *name, const char *line)
{
	static const char *const names[SPAN_CNT] = { "method", "url",	       "version",
						     "status", "header_field", "header_value" };
	struct buf text;
	bool good;

	buf_init(&text, 1 << 20);
	good = span_text(line, &text);
	for (int i = 0; i < SPAN_CNT; i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0 && name[strlen(names[i])] == ']')
			buf_append(&t->spans[i], text.data, text.len);
	if (strncmp(name, "body]", 5) == 0)
		story_body(t->story, text.data, text.len);
	buf_done(&text);
	return good;
}

static void read_error(struct teller *t, const char *code)
{
	if (strncmp(code, "22 ", 3) == 0) { /* the rest of an upgraded connection */
		t->story->open_end = t->story->over = true;
		return;
	}
	t->story->head_error = t->in_head;
	story_error(t->story);
}

/* "0": nothing is open, "1": the message ends here, "2": it is cut. */
static void read_finish(struct teller *t, char how)
{
	if (how == '1')
		story_line(t->story, "complete");
	if (how == '2' && t->in_head)
		t->story->open_end = true; /* no word about a part of a head */
	else if (how == '2')
		story_line(t->story, "cut");
}

static bool read_call(struct teller *t, const char *line)
{
	static const char *const unused[] = { "reset",	 "pause",	 "skip body",
					      " header", "chunk header", " complete" };
	const char *what = strchr(line, ' ');
	const char *span = strstr(line, " span[");

	if (strncmp(line, "off=", 4) != 0 || !what++)
		return false;
	if (span)
		return read_span(t, span + 6, line);
	if (strncmp(what, "error code=", 11) == 0)
		read_error(t, what + 11);
	else if (strncmp(what, "finish=", 7) == 0)
		read_finish(t, what[7]);
	else if (strcmp(what, "message begin") == 0)
		message_begins(t);
	else if (strcmp(what, "header_value complete") == 0)
		field_ends(t);
	else if (strncmp(what, "headers complete", 16) == 0)
		head_ends(t, what);
	else if (strcmp(what, "message complete") == 0)
		story_line(t->story, "complete");
	else {
		for (size_t i = 0; i < sizeof(unused) / sizeof(*unused); i++)
			if (strstr(what, unused[i]))
				return true;
		return false;
	}
	return true;
}

bool llhttp_case_story(const struct llhttp_case *c, struct story *ret, struct str *ret_bad)
{
	struct str text = str_make(c->log.data, c->log.len);
	struct teller t = { .story = ret };
	bool good = true;

	for (int i = 0; i < SPAN_CNT; i++)
		buf_init(&t.spans[i], 1 << 20);
	buf_init(&t.fields, 1 << 20);
	while (good && text.len) {
		int64_t end = str_find(text, '\n');
		char line[8192];

		*ret_bad = str_make(text.p, (size_t)end);
		snprintf(line, sizeof(line), "%.*s", (int)end, text.p);
		good = read_call(&t, line);
		text = str_make(text.p + end + 1, text.len - (size_t)end - 1);
	}
	for (int i = 0; i < SPAN_CNT; i++)
		buf_done(&t.spans[i]);
	buf_done(&t.fields);
	return good;
}

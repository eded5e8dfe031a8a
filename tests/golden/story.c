// SPDX-License-Identifier: BSD-2-Clause
#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void story_init(struct story *s)
{
	*s = (struct story){ 0 };
	buf_init(&s->text, 1 << 20);
}

void story_done(struct story *s)
{
	buf_done(&s->text);
}

static void end_line(struct story *s)
{
	if (s->in_body)
		buf_append_byte(&s->text, '\n');
	s->in_body = false;
}

void story_line(struct story *s, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	if (s->over)
		return;
	end_line(s);
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_append_str(&s->text, line);
	buf_append_byte(&s->text, '\n');
}

void story_head_begins(struct story *s)
{
	if (s->over)
		return;
	end_line(s);
	s->message_at = s->text.len;
}

static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '\\' || c < ' ' || c > '~')
			buf_printf(b, "\\x%02x", c);
		else
			buf_append_byte(b, c);
	}
}

void story_field(struct story *s, const void *name, size_t name_len, const void *value,
		 size_t value_len)
{
	if (s->over)
		return;
	end_line(s);
	buf_append_str(&s->text, "  ");
	put_escaped(&s->text, str_make(name, name_len));
	buf_append_str(&s->text, ": ");
	put_escaped(&s->text, str_trim(str_make(value, value_len)));
	buf_append_byte(&s->text, '\n');
}

void story_body(struct story *s, const void *data, size_t len)
{
	if (s->over || !len)
		return;
	if (!s->in_body)
		buf_append_str(&s->text, "body ");
	s->in_body = true;
	put_escaped(&s->text, str_make(data, len));
}

void story_error(struct story *s)
{
	story_line(s, "error");
	s->over = true;
}

const char *story_text(struct story *s)
{
	end_line(s);
	if (buf_append_byte(&s->text, '\0') < 0)
		abort();
	s->text.len--;
	return (const char *)s->text.data;
}

bool story_agrees(struct story *got, struct story *want)
{
	const char *g = story_text(got), *w = story_text(want);

	if (want->head_error) {
		/* what was told of the broken message is not compared */
		return got->over && got->message_at == want->message_at &&
		       strncmp(g, w, want->message_at) == 0;
	}
	return want->open_end ? strncmp(g, w, want->text.len) == 0 : strcmp(g, w) == 0;
}

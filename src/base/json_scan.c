// SPDX-License-Identifier: BSD-2-Clause
#include "json_scan.h"

#include <string.h>

void json_scan_init(struct json_scan *s, struct str document)
{
	*s = (struct json_scan){ .rest = document };
}

static void skip(struct json_scan *s, size_t len)
{
	s->rest = str_make(s->rest.p + len, s->rest.len - len);
}

static void skip_any_of(struct json_scan *s, const char *chars)
{
	while (s->rest.len && s->rest.p[0] && strchr(chars, s->rest.p[0]))
		skip(s, 1);
}

/* Behind the opening quote. */
static enum json_piece take_text(struct json_scan *s)
{
	size_t len = 0;

	s->escaped = false;
	while (len < s->rest.len && s->rest.p[len] != '"') {
		s->escaped |= s->rest.p[len] == '\\';
		len += s->rest.p[len] == '\\' ? 2 : 1;
	}
	if (len >= s->rest.len)
		return JSON_PIECE_END;
	s->text = str_make(s->rest.p, len);
	skip(s, len + 1);
	skip_any_of(s, " \t\r\n");
	return s->rest.len && s->rest.p[0] == ':' ? JSON_PIECE_KEY : JSON_PIECE_TEXT;
}

enum json_piece json_scan_next(struct json_scan *s)
{
	size_t len = 0;

	skip_any_of(s, " \t\r\n,:");
	if (!s->rest.len)
		return JSON_PIECE_END;
	switch (s->rest.p[0]) {
	case '{':
	case '[':
		skip(s, 1);
		s->depth++;
		return JSON_PIECE_OPEN;
	case '}':
	case ']':
		skip(s, 1);
		if (!s->depth)
			return JSON_PIECE_END;
		s->depth--;
		return JSON_PIECE_CLOSE;
	case '"':
		skip(s, 1);
		return take_text(s);
	}
	while (len < s->rest.len && (!s->rest.p[len] || !strchr(" \t\r\n,:{}[]\"", s->rest.p[len])))
		len++;
	skip(s, len);
	return JSON_PIECE_OTHER;
}

bool json_scan_find(struct str document, const char *const *keys, struct str *ret)
{
	struct json_scan s;
	unsigned found = 0; /* keys whose objects are around us */
	bool is_next = false;
	enum json_piece piece;

	json_scan_init(&s, document);
	while ((piece = json_scan_next(&s)) != JSON_PIECE_END) {
		if (piece == JSON_PIECE_KEY) {
			is_next = s.depth == found + 1 && !s.escaped &&
				  str_eq(s.text, str_from(keys[found]));
			continue;
		}
		if (is_next && piece == JSON_PIECE_OPEN && keys[found + 1])
			found++;
		else if (is_next && piece == JSON_PIECE_TEXT && !keys[found + 1]) {
			*ret = s.text;
			return !s.escaped;
		} else if (piece == JSON_PIECE_CLOSE && s.depth < found + 1 && found)
			return false;
		is_next = false;
	}
	return false;
}

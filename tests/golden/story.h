/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a stream of HTTP/1 said, in a form that two parsers can be compared by: start lines, fields
 * (trailers too), bodies, and how each message went. Line by line:
 *
 *	request GET /path 1.1	or	response 1.1 200 OK
 *	  Name: value
 *	body bytes
 *	complete | cut | error
 *
 * "cut": the input ended. Nothing follows an "error". A message still under way has no such line.
 */
#ifndef PLAINTAP_TESTS_STORY_H
#define PLAINTAP_TESTS_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct story {
	struct buf text;
	size_t message_at; /* where in the text the present message begins */
	bool in_body;	   /* the text ends in an open "body" line */
	bool over;	   /* after an error or an upgrade: nothing more is written */
	/* only of expected ones */
	bool open_end;	 /* after an upgrade: no word about what follows */
	bool head_error; /* the error lies in a head: no word about the part of it before */
};

void story_init(struct story *s);
void story_done(struct story *s);
/* Ends the body's line if one is open; then a printf format. */
void story_line(struct story *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void story_head_begins(struct story *s);
void story_field(struct story *s, const void *name, size_t name_len, const void *value,
		 size_t value_len);
void story_body(struct story *s, const void *data, size_t len);
void story_error(struct story *s);
/* Does `got` tell what `want` does, as far as `want` has a word about it? Both are finished. */
bool story_agrees(struct story *got, struct story *want);
/* NUL-terminated. */
const char *story_text(struct story *s);

#endif

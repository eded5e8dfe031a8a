/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds single texts in a JSON document that somebody else wrote, without a tree of it: the
 * document is cut into its pieces, and not held against the rules. Of a broken one some pieces come
 * that mean nothing; never one that is not in it. Nothing is copied and nothing unescaped.
 */
#ifndef PLAINTAP_BASE_JSON_SCAN_H
#define PLAINTAP_BASE_JSON_SCAN_H

#include <stdbool.h>

#include "str.h"

enum json_piece {
	JSON_PIECE_END,	  /* of the document, or of what can be made sense of */
	JSON_PIECE_OPEN,  /* of an object or a list: `depth` is that of what is in it */
	JSON_PIECE_CLOSE, /* `depth` is that of what it was in */
	JSON_PIECE_KEY,
	JSON_PIECE_TEXT,
	JSON_PIECE_OTHER, /* a number, true, false, null */
};

struct json_scan {
	struct str rest;
	unsigned depth;	 /* 0: outside of all */
	struct str text; /* of a key or text, as it is written between its quotes */
	bool escaped;	 /* there is a backslash in it */
};

void json_scan_init(struct json_scan *s, struct str document);
enum json_piece json_scan_next(struct json_scan *s);

/*
 * The text at this way of keys from the document's own object on; the last key is followed by NULL.
 * False: there is none, or one with a backslash.
 */
bool json_scan_find(struct str document, const char *const *keys, struct str *ret);

#endif

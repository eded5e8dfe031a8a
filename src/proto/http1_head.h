/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of HTTP/1: start lines, fields, and what they say about the body. Pure functions. */
#ifndef PLAINTAP_PROTO_HTTP1_HEAD_H
#define PLAINTAP_PROTO_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/message.h"

/* Grows to its maximum, is used again for every head. */
struct http1_fields {
	struct header *items; /* owned */
	size_t cnt;
	size_t cap;
	size_t max;
};

/* Which rule of RFC 9112 6.3 ends the message. */
enum http1_framing {
	FRAMING_NONE,	 /* no body */
	FRAMING_LENGTH,	 /* Content-Length */
	FRAMING_CHUNKED, /* Transfer-Encoding */
	FRAMING_CLOSE,	 /* all until the connection ends */
	FRAMING_TUNNEL,	 /* no body, and no HTTP after it */
	FRAMING_INVALID, /* contradictory or unreadable */
};

/* What a response must know of its request. */
enum http1_method {
	METHOD_OTHER,
	METHOD_HEAD,
	METHOD_CONNECT,
};

/* A byte of an RFC 9110 token? */
bool http1_is_token(uint8_t c);
/*
 * Reads a line (without LF; a CR at its end is left out) as "METHOD target HTTP/1.x" or
 * "HTTP/1.x status[ reason]" into `ret`: kind, version, and the parts, which point into the line.
 * False: it is neither.
 */
bool http1_parse_start(const uint8_t *line, size_t len, struct message_head *ret);
/*
 * Reads whole lines up to the empty one or to `len`. `*ret_used`: bytes of the lines that were
 * read, always set. `writable`: the same bytes as `data` where the caller owns them, else NULL;
 * folded lines need it, their line ends become blanks.
 * -EINVAL: a line is no field. -ENOBUFS: more than f->max. -ENOMEM.
 */
int http1_parse_fields(struct http1_fields *f, const uint8_t *data, uint8_t *writable, size_t len,
		       size_t *ret_used);
enum http1_method http1_method_of(struct str method);
/* `*ret_len` is set for FRAMING_LENGTH. */
enum http1_framing http1_framing_of(const struct message_head *head, enum http1_method asked,
				    uint64_t *ret_len);

#endif

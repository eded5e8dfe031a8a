/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.x as a passive observer reads it (RFC 9112).
 *
 * A server may refuse what it dislikes; an observer must show what was said. So the parser is
 * tolerant where tolerance cannot move a message's end (bare LF, empty lines before a head, folded
 * fields, odd bytes in values), and strict where it can: doubtful framing ends the message as
 * invalid, and what follows is opaque until the next plausible start line.
 *
 * Two places need more than the bytes of one message: a response to HEAD has no body (where the
 * request was not seen, the first body bytes decide, see http1_peek.c), and a body that lasts until
 * the connection closes is complete only if the connection, not the capture, has ended.
 */
#ifndef PLAINTAP_PROTO_HTTP1_H
#define PLAINTAP_PROTO_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#include "model/proto.h"

extern const struct proto_ops proto_http1;

struct http1_limits {
	size_t head_max;       /* bytes of a head, with its empty line */
	size_t header_cnt_max; /* fields in a head, or in trailers */
	size_t chunk_line_max; /* bytes of a line with a chunk's size, with its line end */
	size_t trailer_max;    /* bytes of the trailers, with their empty line */
	size_t pending_max;    /* requests that wait for their response */
};

#define HTTP1_LIMITS_DEFAULT              \
	((struct http1_limits){           \
		.head_max = 256 * 1024,   \
		.header_cnt_max = 1000,   \
		.chunk_line_max = 4096,   \
		.trailer_max = 64 * 1024, \
		.pending_max = 10000,     \
	})

/* Where the bytes of one direction went. The sum is all that was fed and all that was missing. */
struct http1_account {
	uint64_t head;	     /* heads and trailers told as such */
	uint64_t framing;    /* chunk sizes, line ends around messages and chunks */
	uint64_t body;	     /* told as body */
	uint64_t body_gap;   /* missing, told as such */
	uint64_t opaque;     /* told as opaque */
	uint64_t opaque_gap; /* missing, told as such */
	uint64_t held;	     /* an unfinished head or trailers; 0 after the direction's end */
};

/* Before the first byte; `limits` is copied. */
void http1_set_limits(struct proto *p, const struct http1_limits *limits);
struct http1_account http1_account_of(const struct proto *p, enum dir dir);

#endif

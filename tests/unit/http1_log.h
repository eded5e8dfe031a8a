/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives a protocol over scripted input and writes down what it tells, one log per direction, in a
 * form that does not depend on how the input was cut: adjoining body and opaque calls are merged.
 * It also holds the events against the input: every borrowed body byte must lie in the input and
 * be told once only, opaque bytes must be the input's own, and all bytes must be accounted for.
 */
#ifndef PLAINTAP_TESTS_HTTP1_LOG_H
#define PLAINTAP_TESTS_HTTP1_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/dir.h"
#include "model/gap.h"
#include "model/proto.h"
#include "proto/http1.h"

/* One direction's stream as the test knows it, and what was told of it. */
struct http1_log_side {
	uint64_t off;	  /* fed and lost so far */
	uint64_t lost;	  /* of these */
	struct buf bytes; /* all that was fed; a hole takes no room */
	struct buf told;  /* as long: 1 where a byte was told as body or opaque */
	uint64_t body, body_gap, opaque, opaque_gap;
	struct buf text; /* the log, ends in a newline */
	char last;	 /* 'b' body, 'o' opaque: the line is still open */
	bool open;	 /* a message is under way */
	uint64_t exchange;
};

struct http1_log {
	struct proto *p;
	const uint8_t *feed; /* during a feed */
	size_t feed_len;
	size_t feed_at; /* index in `bytes` of feed[0] */
	struct http1_log_side sides[DIR_CNT];
	char fault[160]; /* the first broken promise, "" while there is none */
};

/* False without memory: nothing is open then. */
bool http1_log_open(struct http1_log *l, const struct http1_limits *limits);
void http1_log_feed(struct http1_log *l, enum dir dir, const uint8_t *data, size_t len);
void http1_log_gap(struct http1_log *l, enum dir dir, uint64_t len);
/* Ends both directions, see proto_ops.end, and checks the sums; see `fault`. */
void http1_log_end(struct http1_log *l, bool closed);
void http1_log_close(struct http1_log *l);
/* NUL-terminated: the log of one direction. */
const char *http1_log_text(struct http1_log *l, enum dir dir);

#endif

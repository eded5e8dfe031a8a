/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of one HTTP/1 connection; only for the files http1*.c.
 *
 *	             ┌──────────────── next message ───────────────┐
 *	             ▼                                             │
 *	IDLE ──▶ LINE ──▶ FIELDS ──▶ LENGTH │ CLOSE │ CHUNK_SIZE … TRAILERS
 *	          │ ▲        │
 *	   no start line     └─ bad, cut, too long ─┐
 *	          ▼ │                               ▼
 *	        SKIP ──▶ RESYNC ◀────────── any message that breaks
 *
 * SKIP passes the rest of a line, RESYNC stands at the beginning of one; both tell opaque bytes.
 * TUNNEL tells opaque bytes for ever.
 */
#ifndef PLAINTAP_PROTO_HTTP1_PRIV_H
#define PLAINTAP_PROTO_HTTP1_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http1.h"
#include "http1_head.h"

enum http1_phase {
	PHASE_IDLE,
	PHASE_LINE,
	PHASE_FIELDS,
	PHASE_LENGTH,
	PHASE_CLOSE,
	PHASE_CHUNK_SIZE,
	PHASE_CHUNK_DATA,
	PHASE_CHUNK_END,
	PHASE_TRAILERS,
	PHASE_SKIP,
	PHASE_RESYNC,
	PHASE_TUNNEL,
};

/* Where in a line with a chunk's size. */
enum http1_chunk_at {
	CHUNK_AT_DIGITS,
	CHUNK_AT_BLANK, /* after the digits, before a ";" */
	CHUNK_AT_EXT,
	CHUNK_AT_LF, /* after CR */
};

/* One direction. */
struct http1_side {
	enum dir dir;
	enum http1_phase phase;
	uint64_t off; /* of the next byte to read */

	/* LINE, FIELDS, TRAILERS: a block that may come in several feeds */
	struct buf hold;    /* its bytes from earlier feeds; empty while it lies in one feed */
	uint64_t block_off; /* of its first byte */
	uint64_t block_ts_ns;
	size_t line_len;    /* bytes of its current line */
	uint8_t line_first; /* the first of them */
	bool in_word;	    /* LINE: before its first blank */
	bool folded;	    /* a line of the block begins with a blank */

	/* a message */
	bool is_response;
	bool gapped; /* body bytes were lost in frame */
	bool tunnel_next;
	uint64_t exchange;
	uint64_t left; /* LENGTH, CHUNK_DATA: bytes to come */
	enum http1_chunk_at chunk_at;
	bool chunk_digits; /* CHUNK_SIZE: one digit at least was seen */
	bool peeking; /* a body may be none: its first bytes gather in `hold`, see http1_peek.c */
	size_t chunk_line_len;

	struct http1_account account;
};

/* A request that waits for its response. */
struct http1_pending {
	uint64_t exchange;
	enum http1_method method;
};

struct http1_pairing {
	uint64_t next;		     /* exchange number to give */
	uint64_t orphan;	     /* number of interim responses without a request, or 0 */
	struct http1_pending *queue; /* owned: waiting ones are first … first + cnt - 1 */
	size_t first, cnt, cap;
	bool lost;	/* order says nothing now */
	bool answered;	/* a response ended after the last request began */
	bool pipelined; /* a request was ever sent before its predecessor's response */
};

struct proto {
	const struct message_ops *events;
	void *user;
	struct http1_limits limits;
	struct http1_fields fields;
	struct http1_pairing pairing;
	bool role_known;
	enum dir request_dir; /* valid with role_known */
	uint64_t ts_ns;	      /* of the present call */
	struct http1_side sides[DIR_CNT];
};

/* http1.c */
void http1_tell_opaque(struct proto *p, struct http1_side *s, uint64_t off, const uint8_t *data,
		       size_t len);
void http1_tell_opaque_gap(struct proto *p, struct http1_side *s, uint64_t len, unsigned causes);
/* Ends the message; the direction waits for the next one. */
void http1_finish(struct proto *p, struct http1_side *s);
/* Ends the message with a reason that leaves the framing unknown. */
void http1_break(struct proto *p, struct http1_side *s, enum message_end end);
/* Looks for the next start line; the next byte counts as the first of a line, or not. */
void http1_resync(struct proto *p, struct http1_side *s, bool at_line);

/* http1_block.c: heads and trailers. Steps return how many bytes they took. */
void http1_block_begin(struct proto *p, struct http1_side *s, enum http1_phase phase);
/* Bytes that wait: false without memory, or when they are too many. Dropped ones are not told. */
bool http1_hold_add(struct http1_side *s, const uint8_t *data, size_t len);
void http1_hold_drop(struct http1_side *s);
size_t http1_step_block(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len);
/* The connection is no HTTP any more: at once, or when the message under way is over. */
void http1_tunnel(struct proto *p, struct http1_side *s);
/* Tells what there is of an unfinished block, and ends the message if one has begun. */
void http1_block_cut(struct proto *p, struct http1_side *s, enum message_end end);

/* http1_body.c */
void http1_body_begin(struct proto *p, struct http1_side *s, enum http1_framing framing,
		      uint64_t len);
size_t http1_step_body(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len);
/* Takes as much of a gap as lies in the body; the message is over when that is not all. */
uint64_t http1_body_gap(struct proto *p, struct http1_side *s, uint64_t len, unsigned causes);

/* http1_peek.c: bodies of responses whose request is not known */
void http1_peek_begin(struct proto *p, struct http1_side *s);
/* Bytes taken; 0 only when `peeking` is over. */
size_t http1_step_peek(struct proto *p, struct http1_side *s, const uint8_t *data, size_t len);
/* There is a body: tells what was held of it. */
void http1_peek_over(struct proto *p, struct http1_side *s);

/* http1_pair.c */
void http1_pair_lose(struct http1_pairing *q);
/* A request begins; `quiet`: nothing of a response is under way. Returns its number. */
uint64_t http1_pair_request(struct http1_pairing *q, enum http1_method method, bool quiet,
			    size_t max);
/* A response begins: whose? False: of no known request; it gets a number of its own. */
bool http1_pair_response(struct http1_pairing *q, bool interim, struct http1_pending *ret);

#endif

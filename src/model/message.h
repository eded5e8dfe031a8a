/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages as protocols tell them, piece by piece.
 *
 * A protocol gives the two sides of one exchange the same number, so that who listens need not
 * know how the protocol pairs them (HTTP/1: by order; HTTP/2: by stream). All pointers are
 * borrowed and valid during the call only.
 */
#ifndef PLAINTAP_MODEL_MESSAGE_H
#define PLAINTAP_MODEL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "dir.h"

struct header {
	struct str name;  /* as it was on the wire, not lower-cased */
	struct str value; /* without blanks at both ends */
};

enum message_kind {
	MESSAGE_REQUEST,
	MESSAGE_RESPONSE,
};

struct message_head {
	enum message_kind kind;
	uint64_t exchange;  /* the same for a request and its response; unique in the connection */
	bool interim;	    /* a 1xx response: another one for the same request follows */
	bool has_request;   /* response: its request was seen before it */
	struct str version; /* "1.1", "1.0", later "2" */
	struct str method;  /* request */
	struct str
		target; /* request: as on the wire, "/path?query", "http://…", "host:port", "*" */
	unsigned status;	      /* response, 100…999 */
	struct str reason;	      /* response; may be empty */
	const struct header *headers; /* in wire order, repeated ones kept */
	size_t header_cnt;
};

/* How a message ended. */
enum message_end {
	MESSAGE_COMPLETE,
	MESSAGE_END_GAP,     /* bytes of it were lost; what came is kept */
	MESSAGE_END_CLOSED,  /* the connection, or the capture, ended before the message did */
	MESSAGE_END_INVALID, /* the bytes broke the protocol's rules */
	MESSAGE_END_LIMIT,   /* a limit of the parser */
};

/* "complete", "gap", "closed", "invalid", "limit". */
const char *message_end_name(enum message_end end);

/*
 * The listener. `user` is the pointer that came with it. For each message: head, then body,
 * body_gap and trailers in wire order, then end. Interim responses have only head. Bytes that
 * belong to no message (not this protocol, garbage, what follows an upgrade) come as opaque,
 * numbered like the direction's bytes.
 */
struct message_ops {
	void (*head)(void *user, enum dir dir, const struct message_head *head, uint64_t ts_ns);
	void (*body)(void *user, enum dir dir, uint64_t exchange, const uint8_t *data, size_t len,
		     uint64_t ts_ns);
	/* `len` body bytes were lost here. */
	void (*body_gap)(void *user, enum dir dir, uint64_t exchange, uint64_t len,
			 unsigned causes);
	void (*trailers)(void *user, enum dir dir, uint64_t exchange, const struct header *headers,
			 size_t header_cnt);
	void (*end)(void *user, enum dir dir, uint64_t exchange, enum message_end end,
		    uint64_t ts_ns);
	void (*opaque)(void *user, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		       uint64_t ts_ns);
	/* `len` bytes that belong to no known message were lost at `off`. */
	void (*opaque_gap)(void *user, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
			   uint64_t ts_ns);
};

#endif

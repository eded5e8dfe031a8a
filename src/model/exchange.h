/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request with its response, as sinks see it. Reference-counted, immutable once published.
 */
#ifndef PLAINTAP_MODEL_EXCHANGE_H
#define PLAINTAP_MODEL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "dir.h"
#include "message.h"

struct connection;

/* One side of an exchange. */
struct message {
	bool present;	/* false: nothing of it was seen; all else is then zero */
	bool head_lost; /* there was no memory to keep the head: its fields are empty */
	enum dir dir;
	void *head_block;    /* owned: one allocation that every str of the head points into */
	void *trailer_block; /* owned: the same for the trailers */
	struct str version;
	struct str method, target;
	unsigned status;
	struct str reason;
	struct header *headers;
	size_t header_cnt;
	struct header *trailers;
	size_t trailer_cnt;
	struct buf body;	   /* what was kept: a prefix of the body, at most the body limit */
	uint64_t body_size;	   /* true size: kept + not kept + lost */
	uint64_t lost_bytes;	   /* of the body, known to be missing */
	bool body_cut;		   /* the limit left out bytes that did arrive, or followed a gap */
	unsigned gap_causes;	   /* set of enum gap_cause */
	enum message_end end;	   /* MESSAGE_COMPLETE, or why not */
	uint64_t begin_ns, end_ns; /* wall clock */
};

struct exchange {
	unsigned refs;
	struct connection *conn; /* one reference */
	uint64_t number;	 /* of the pair in its connection */
	struct message request;
	struct message response;
	unsigned interim[4];  /* statuses of the 1xx responses, in order */
	size_t interim_cnt;   /* how many came, may be more than are kept */
	char *url;	      /* owned: "https://host/path", or the target when no host is known */
	struct str host;      /* points into the request's head; empty: unknown */
	struct str path;      /* the same: path and query of the target */
	uint64_t begin_ns;    /* first byte of the request, or of the response without one */
	uint64_t duration_ns; /* to the last byte seen */
	uint64_t lost_bytes;  /* of both bodies */
};

/* Takes its own reference on `conn`. One reference; NULL without memory. */
struct exchange *exchange_new(struct connection *conn, uint64_t number);
struct exchange *exchange_ref(struct exchange *x);
/* NULL is fine. */
void exchange_unref(struct exchange *x);

/* Value of the first header of that name (case does not matter), or an empty str. */
struct str message_header(const struct message *m, const char *name);

/* Bytes that are no HTTP (or no longer), or a hole in them. */
struct data_piece {
	const struct connection *conn; /* borrowed */
	enum dir dir;
	uint64_t off;	     /* in this direction */
	const uint8_t *data; /* borrowed; NULL for a hole */
	size_t len;	     /* bytes at `data` */
	uint64_t lost;	     /* length of the hole, 0 when there are bytes */
	unsigned gap_causes;
	uint64_t ts_ns; /* wall clock */
};

#endif

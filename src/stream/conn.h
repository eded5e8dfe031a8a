/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection inside `stream`: two byte streams and the protocol that reads them. */
#ifndef PLAINTAP_STREAM_CONN_H
#define PLAINTAP_STREAM_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/dir.h"
#include "model/proto.h"

struct connection;
struct stream_config;

/* Bytes that wait until it is clear which protocol they are. */
struct held {
	uint8_t data[PROTO_PROBE_MAX];
	size_t len;
	uint64_t off; /* of the first */
	uint64_t ts_ns;
};

struct conn {
	struct connection *info; /* one reference */
	void *listener;		 /* `user` of this connection's messages */
	const struct stream_config *config;
	uint64_t next_off[DIR_CNT];
	const struct proto_ops *proto_ops; /* NULL: not known yet */
	struct proto *proto;
	struct held held[DIR_CNT];
	enum dir first_held; /* which direction spoke first while undecided */
	enum dir last_dir;   /* whose bytes came last */
	bool may_resniff;    /* opaque so far, the talk has just turned or lost bytes, and those
			     that came since may yet be the beginning of a protocol */
};

/* The next bytes of one direction, right after those before. */
void conn_feed(struct conn *c, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
	       uint64_t ts_ns);
void conn_gap(struct conn *c, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
	      uint64_t ts_ns);
/*
 * Nothing more comes: what is held is told, messages that are open are ended. `closed`: the
 * connection has ended; false: the capture ended before it.
 */
void conn_finish(struct conn *c, bool closed, uint64_t ts_ns);

#endif

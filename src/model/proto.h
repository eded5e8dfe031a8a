/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `stream` knows of a protocol. A protocol is one file that fills this table and one line in
 * proto/registry.c. It is a pure function of the bytes it is fed: no I/O, no clock, no globals.
 * Any split of the same bytes gives the same events (but for how body bytes are cut into calls).
 */
#ifndef PLAINTAP_MODEL_PROTO_H
#define PLAINTAP_MODEL_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dir.h"
#include "message.h"

struct proto; /* the state of one connection, of both directions */

enum proto_match {
	PROTO_NO,
	PROTO_MAYBE, /* more bytes are needed to say */
	PROTO_YES,
};

struct proto_ops {
	const char *name; /* "http1", "opaque" */
	/*
	 * Do the first bytes of one direction look like this protocol? Must say yes or no from
	 * PROTO_PROBE_MAX bytes at the latest.
	 */
	enum proto_match (*probe)(const uint8_t *data, size_t len);
	/* NULL without memory. `events` and `user` are borrowed for the whole life. */
	struct proto *(*open)(const struct message_ops *events, void *user);
	/* The next bytes of one direction, whole; `off` is the direction's offset of the first. */
	void (*feed)(struct proto *p, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		     uint64_t ts_ns);
	/* `len` bytes at `off` are missing. */
	void (*gap)(struct proto *p, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
		    uint64_t ts_ns);
	/*
	 * No more bytes come: finish what is open. `closed`: the direction (or all of the
	 * connection) has really ended; false: plaintap stopped looking first.
	 */
	void (*end)(struct proto *p, enum dir dir, bool closed, uint64_t ts_ns);
	/* Frees; NULL is fine. Tells nothing. */
	void (*close)(struct proto *p);
};

enum { PROTO_PROBE_MAX = 64 };

#endif

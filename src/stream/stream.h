/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection table: chunks in, ordered bytes and explicit gaps out.
 *
 * Each connection has two directions, each an ordered stream whose next offset is known; a chunk
 * beyond it makes a gap of exactly that length. The bytes go to who taps the stream (files that
 * want every byte) and to the protocol that their beginning looks like. A connection that looks
 * like none is opaque, until a turn of the talk or a gap is followed by bytes that do: so a late
 * join finds its way in.
 */
#ifndef PLAINTAP_STREAM_STREAM_H
#define PLAINTAP_STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/chunk.h"
#include "model/connection.h"
#include "model/message.h"
#include "model/proto.h"

struct conn_info;
struct counters;
struct process;
struct stream;

/* Who listens, and who knows. `user` is the pointer of the config. */
struct stream_ops {
	/* The process, one reference for the caller; NULL without memory. */
	struct process *(*process_of)(void *user, pid_t pid);
	/* Path of the library with that target id, borrowed; NULL: unknown. */
	const char *(*library_of)(void *user, uint32_t library);
	/* Its version, the same. */
	const char *(*library_version_of)(void *user, uint32_t library);
	/* A connection begins; *ret_listener becomes the `user` of its messages. Negative: refused.
	 */
	int (*conn_open)(void *user, struct connection *c, void **ret_listener);
	void (*bytes)(void *user, const struct connection *c, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len);
	void (*gap)(void *user, const struct connection *c, enum dir dir, uint64_t off,
		    uint64_t len, unsigned causes);
	/* Both directions have ended and the protocol has said all; `listener` is to be freed. */
	void (*conn_close)(void *user, struct connection *c, void *listener);
};

struct stream_config {
	const struct stream_ops *ops;
	void *user;
	const struct proto_ops *const *protos; /* in order of trial; the last one takes anything */
	size_t proto_cnt;
	const struct message_ops *messages; /* where protocols tell their messages */
	struct counters *counters;
	size_t conn_max; /* open connections; more are refused and counted */
};

/* All that the config points to is borrowed for the stream's life. NULL without memory. */
struct stream *stream_new(const struct stream_config *config);
/* Ends what is open (as CONN_END_CAPTURE) and frees; NULL is fine. */
void stream_free(struct stream *s);

/* Have the bytes from `off` on been passed on before? */
bool stream_has_passed(const struct stream *s, uint64_t conn_key, enum dir dir, uint64_t off);
/* Who a connection is; opens it when it is not known yet. */
void stream_conn_info(struct stream *s, const struct conn_info *info);
void stream_chunk(struct stream *s, const struct chunk *c);
/* Also tells a loss at the end, and a connection of which nothing at all arrived. */
void stream_conn_end(struct stream *s, const struct chunk_end *end);

#endif

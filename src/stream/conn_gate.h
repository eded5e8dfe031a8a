/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In front of the stream where connections are filtered. The kernel side judges a connection once
 * it knows its addresses, which may be some calls after the first one (a program with a BIO of its
 * own shows its socket when it first receives). What passes until then waits here, and goes on or
 * away as a whole.
 */
#ifndef PLAINTAP_STREAM_CONN_GATE_H
#define PLAINTAP_STREAM_CONN_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/chunk.h"

struct conn_gate;
struct conn_info;
struct counters;
struct stream;

/* More than that is not kept: the connection then counts as one whose addresses are not known. */
enum { GATE_CONN_BYTES_MAX = 1 << 20, GATE_BYTES_MAX = 64 << 20 };

/*
 * `let_in_unknown`: what becomes of a connection that was never judged. All pointers are borrowed.
 * NULL without memory.
 */
struct conn_gate *conn_gate_new(struct stream *stream, struct counters *counters,
				bool let_in_unknown);
/* What still waits is let go or dropped; to be called before stream_free(). NULL is fine. */
void conn_gate_free(struct conn_gate *g);

/* As the stream's functions of these names. */
void conn_gate_info(struct conn_gate *g, const struct conn_info *info);
void conn_gate_chunk(struct conn_gate *g, const struct chunk *chunk);
void conn_gate_end(struct conn_gate *g, const struct chunk_end *end);
bool conn_gate_has_passed(const struct conn_gate *g, uint64_t conn_key, enum dir dir, uint64_t off);

#endif

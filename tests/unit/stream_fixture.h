/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection table with a protocol of the tests' own: it takes what begins with "AB:", and the
 * fallback takes anything. All that happens is logged as text; bytes that continue those before
 * are no line of their own, so that the log does not depend on how the bytes were cut.
 */
#ifndef PLAINTAP_TESTS_STREAM_FIXTURE_H
#define PLAINTAP_TESTS_STREAM_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/counters.h"
#include "model/dir.h"

struct stream;

/* One kind of events, with what would continue its last line. */
struct log {
	struct buf text;
	uint64_t next_off;
	enum dir dir;
	bool may_continue;
};

struct fixture {
	struct stream *stream;
	struct counters counters;
	struct log tap;	  /* what stream_ops heard */
	struct log proto; /* what the protocols heard */
	bool refuse;	  /* conn_open fails */
	uint64_t sent_off[DIR_CNT];
};

/* At most `conn_max` connections. `stream` is NULL without memory. */
void fixture_start(struct fixture *f, size_t conn_max);
void fixture_stop(struct fixture *f);

/* Bytes of one connection; keys from 1000 on belong to the next process, and so on. */
void fixture_chunk(struct fixture *f, uint64_t key, enum dir dir, uint64_t off, const char *data,
		   size_t len, unsigned causes);
/* The next bytes of connection 1. */
void fixture_next(struct fixture *f, enum dir dir, const char *data);
/* Its object is freed, after that many bytes. */
void fixture_end(struct fixture *f, uint64_t key, uint64_t sent, uint64_t received,
		 unsigned causes);

/* With a NUL behind, valid until the next event. */
const char *log_text(struct log *l);
/* Two checks: both logs, whole. */
void fixture_check(struct fixture *f, const char *want_tap, const char *want_proto);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What enters the pipeline at `stream`, whatever the source: live records, a replay, a test. */
#ifndef PLAINTAP_MODEL_CHUNK_H
#define PLAINTAP_MODEL_CHUNK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "connection.h"
#include "dir.h"

/* Plaintext of one connection, or a part of it. */
struct chunk {
	uint64_t conn_key; /* unique per connection in one run */
	pid_t pid;	   /* process */
	pid_t tid;	   /* thread that made the call */
	uint32_t library;  /* which target's probe saw it (struct target.id); 0: unknown */
	enum dir dir;
	uint64_t off;	     /* of the first byte in this direction, counted from 0 */
	unsigned gap_causes; /* why bytes before `off` are missing, if any are; 0: not said */
	uint64_t ts_ns;	     /* wall clock, ns since 1970 */
	const uint8_t *data; /* borrowed: valid during the call only */
	size_t len;	     /* 0 is legal */
};

/* The connection ended; how far each direction had come, so that a loss at the end shows. */
struct chunk_end {
	uint64_t conn_key;
	pid_t pid;
	pid_t tid;
	uint32_t library;
	enum conn_end end; /* never CONN_OPEN */
	struct conn_ending ending;
	uint64_t total[DIR_CNT];      /* bytes that passed in each direction */
	unsigned gap_causes[DIR_CNT]; /* why the last ones are missing, if any are */
	uint64_t ts_ns;		      /* wall clock */
};

#endif

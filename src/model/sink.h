/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `exchange` and `app` know of an output. A sink is one file that fills this table and one
 * line in sink/registry.c.
 *
 * Every call returns 0 or a negative errno; after a failure the caller closes the sink and tells
 * the person once. What was written before must stay readable. NULL members are skipped. With a
 * writer, a failure comes back from a later call, at the latest from flush() once the writer has
 * done all its jobs.
 */
#ifndef PLAINTAP_MODEL_SINK_H
#define PLAINTAP_MODEL_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dir.h"

struct connection;
struct counters;
struct data_piece;
struct exchange;

struct writer;

struct sink; /* each sink's own state */

struct sink_options {
	bool force;	/* overwrite existing files */
	bool color;	/* terminal only */
	unsigned width; /* terminal columns; 0: unknown */
	/* Writes for all sinks; outlives them. NULL: they write themselves, and wait for it. */
	struct writer *writer;
};

struct sink_ops {
	const char *name; /* "terminal", "jsonl", "dir" */
	/* One line for --help: "FILE.jsonl  one JSON object a line". */
	const char *help;
	/* Is this the sink for `-o spec`? */
	bool (*claims)(const char *spec);
	int (*open)(const char *spec, const struct sink_options *opt, struct sink **ret,
		    struct error *ret_error);
	int (*conn_open)(struct sink *s, const struct connection *c);
	/* Every byte, in order, before any protocol saw it. */
	int (*bytes)(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		     const uint8_t *data, size_t len);
	int (*gap)(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		   uint64_t len, unsigned causes);
	/* `c->end` and `c->closed_ns` are set. */
	int (*conn_close)(struct sink *s, const struct connection *c);
	int (*exchange)(struct sink *s, const struct exchange *x);
	int (*data)(struct sink *s, const struct data_piece *d);
	/* Write out what is buffered, or queue it: called when the input pauses, and at the end. */
	int (*flush)(struct sink *s);
	/* The last word. */
	int (*summary)(struct sink *s, const struct counters *total);
	/* Bytes written so far; what is queued is not. */
	uint64_t (*written)(const struct sink *s);
	/* Frees; NULL is fine. Files keep what was written. */
	void (*close)(struct sink *s);
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has come through the probes of each library so far. Summed up where the records are taken,
 * so that the probes themselves count nothing: calls that moved no byte are in no figure.
 */
#ifndef PLAINTAP_APP_TARGET_USE_H
#define PLAINTAP_APP_TARGET_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/dir.h"

struct chunk;
struct connection;
struct json;
struct buf;

struct target_use {
	uint64_t pieces[DIR_CNT]; /* a call makes one, or one for each 16 KiB; at the ring's end two
				   */
	uint64_t bytes[DIR_CNT];
	uint64_t connections, closed; /* that are passed on: no filter keeps them out */
	uint64_t last_ns;	      /* wall clock of the last piece; 0: none */
};

/* All 0 in the beginning. */
struct target_uses {
	struct target_use *items; /* by struct target.id; 0: of probes that do not say whose */
	size_t cnt;
};

void target_uses_done(struct target_uses *u);
/* Without memory nothing is counted. */
void target_uses_chunk(struct target_uses *u, const struct chunk *c);
void target_uses_conn_opened(struct target_uses *u, const struct connection *c);
void target_uses_conn_closed(struct target_uses *u, const struct connection *c);
/* `is_only`: there is one target, so what does not say whose it is, is its. */
struct target_use target_uses_get(const struct target_uses *u, uint32_t id, bool is_only);

/* An object with all of it, and a sentence. */
void target_use_json(const struct target_use *use, struct json *j);
void target_use_text(const struct target_use *use, struct buf *out);

#endif

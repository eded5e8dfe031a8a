/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indents JSON for people. Only blanks between tokens change; strings and numbers are copied as
 * they are. Pure; any split of the same bytes gives the same result.
 */
#ifndef PLAINTAP_SINK_JSON_PRETTY_H
#define PLAINTAP_SINK_JSON_PRETTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_PRETTY_DEPTH_MAX = 256 };

struct json_pretty {
	struct buf *out;  /* borrowed */
	unsigned depth;	  /* open brackets */
	unsigned state;	  /* what may come next */
	unsigned unicode; /* hex digits still missing in \uXXXX */
	const char *word; /* rest of true, false, null being read */
	bool is_key;	  /* the string being read is a key */
	bool fresh;	  /* nothing yet after the last opening bracket */
	bool any;	  /* a whole value was seen at the top */
	bool apart;	  /* a blank came after the last value */
	uint8_t in_object[JSON_PRETTY_DEPTH_MAX / 8]; /* one bit a level */
};

void json_pretty_init(struct json_pretty *p, struct buf *out);
/*
 * Appends to `out`. 0; -EINVAL: no JSON (or nested too deeply); -ENOBUFS, -ENOMEM. After an error
 * what is in `out` is of no use.
 */
int json_pretty_feed(struct json_pretty *p, const void *data, size_t len);
/* Was that one or more whole values? Otherwise it was the beginning of one. */
bool json_pretty_is_whole(const struct json_pretty *p);

#endif

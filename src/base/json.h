/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON (RFC 8259) into a buffer: compact, commas by itself. The first failure sticks; later
 * calls then do nothing, so that a writer may write a whole line and ask json_error() once.
 *
 *	json_object_begin(&j);
 *	json_key(&j, "pid");
 *	json_u64(&j, 4242);
 *	json_object_end(&j);
 */
#ifndef PLAINTAP_BASE_JSON_H
#define PLAINTAP_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

struct json {
	struct buf *out; /* borrowed */
	bool comma;	 /* the next key or element needs one before it */
	int error;	 /* 0, or the first -ENOBUFS, -ENOMEM */
};

void json_init(struct json *j, struct buf *out);
int json_error(const struct json *j);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);
/* `key` is the program's own: nothing in it needs an escape. */
void json_key(struct json *j, const char *key);

/* Text that is known to be UTF-8. */
void json_utf8(struct json *j, struct str s);
/* Text as it is when it is UTF-8; otherwise like json_latin1(). */
void json_str(struct json *j, struct str s);
/* Each byte as the character of the same number: \u0080…\u00ff for bytes that are not ASCII. */
void json_latin1(struct json *j, struct str s);
/* NULL: null. */
void json_c_str(struct json *j, const char *s);
void json_base64(struct json *j, const void *data, size_t len);
void json_u64(struct json *j, uint64_t value);
void json_i64(struct json *j, int64_t value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
/* Members of an object that were written before. */
void json_members(struct json *j, struct str members);
/* A member of an object at once. */
void json_key_u64(struct json *j, const char *key, uint64_t value);
/* Wall clock, ns since 1970, as "2026-11-21T06:31:00.123456789Z". */
void json_time(struct json *j, uint64_t ts_ns);
/* The same, but 0 is null: it is not known. */
void json_time_or_null(struct json *j, uint64_t ts_ns);

#endif

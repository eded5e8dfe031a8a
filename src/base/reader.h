/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads numbers and strings out of bytes that nobody vouches for. Every read checks its bounds;
 * the first bad one poisons the reader, later reads then give zeros, so that a parser may read a
 * whole header and ask reader_ok() once.
 */
#ifndef PLAINTAP_BASE_READER_H
#define PLAINTAP_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct reader {
	const uint8_t *data;
	size_t len;
	size_t pos;    /* next byte to read, <= len */
	bool poisoned; /* a read went past the end */
};

void reader_init(struct reader *r, const void *data, size_t len);
bool reader_ok(const struct reader *r);
size_t reader_left(const struct reader *r);
/* Moves to `pos`; past the end poisons. */
void reader_seek(struct reader *r, size_t pos);
void reader_skip(struct reader *r, size_t len);
uint8_t reader_u8(struct reader *r);
/* In the byte order of this machine. */
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
/* `len` bytes, borrowed; NULL when there are not so many. */
const uint8_t *reader_bytes(struct reader *r, size_t len);
/* The NUL-terminated string at the current place, moved past; an unterminated one poisons. */
struct str reader_c_string(struct reader *r);

#endif

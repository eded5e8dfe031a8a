/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing byte buffer that demands a maximum. */
#ifndef PLAINTAP_BASE_BUF_H
#define PLAINTAP_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* NULL while cap is 0 */
	size_t len;    /* bytes in use, <= cap */
	size_t cap;    /* bytes allocated, <= max */
	size_t max;    /* never grows past this */
};

void buf_init(struct buf *b, size_t max);
/* Frees the memory; the buffer may be used again (same maximum). */
void buf_done(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);

/* Makes room for `len` bytes more. -ENOBUFS past the maximum, -ENOMEM. Nothing changes on failure.
 */
int buf_reserve(struct buf *b, size_t len);
/* Appends all of `data` or nothing: -ENOBUFS past the maximum, -ENOMEM. */
int buf_append(struct buf *b, const void *data, size_t len);
/* Appends what fits below the maximum; returns how many bytes that was, or -ENOMEM. */
int64_t buf_append_cut(struct buf *b, const void *data, size_t len);
int buf_append_byte(struct buf *b, uint8_t byte);
int buf_append_str(struct buf *b, const char *s);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `len` bytes (all of them when len >= b->len). */
void buf_consume(struct buf *b, size_t len);

#endif

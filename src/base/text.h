/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that nobody vouches for, made fit for a person's terminal.
 */
#ifndef PLAINTAP_BASE_TEXT_H
#define PLAINTAP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/*
 * Decodes the character at the start of `p`: its length (1…4), or 0 when the bytes are no UTF-8
 * (RFC 3629: shortest form only, no surrogates, at most U+10FFFF) or end inside the character.
 */
size_t text_decode(const uint8_t *p, size_t len, uint32_t *ret_char);
bool text_is_utf8(const void *p, size_t len);
/*
 * `len` without the one character at the end that may have been cut in two. For bytes that are a
 * prefix of something longer.
 */
size_t text_whole_chars(const void *p, size_t len);
/* Would a person rather read this than a hex dump? UTF-8 without control characters. */
bool text_is_readable(const void *p, size_t len);

enum text_form {
	TEXT_LINE, /* one line: line breaks and tabs are escaped too */
	TEXT_BODY, /* line breaks and tabs stay */
};

/*
 * Appends `s` with everything made visible that a terminal would obey or hide: control characters
 * (C0, DEL, C1) and bytes that are no UTF-8 as \x1b, characters that change the writing direction
 * or cannot be seen as \u{202e}. After each line break `indent` blanks are put. 0, -ENOBUFS,
 * -ENOMEM.
 */
int text_escape(struct buf *out, struct str s, enum text_form form, unsigned indent);

/* Appends lines "<indent>00000010  68 65 …  |he…|", 16 bytes each, counted from `off`. Errors as
 * above. */
int text_hex_dump(struct buf *out, const uint8_t *data, size_t len, uint64_t off, unsigned indent);

/* Appends "123 B", "1.2 KiB", "3.4 MiB". */
int text_size(struct buf *out, uint64_t bytes);

#endif

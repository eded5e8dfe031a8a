// SPDX-License-Identifier: BSD-2-Clause
#include "reader.h"

#include <string.h>

void reader_init(struct reader *r, const void *data, size_t len)
{
	*r = (struct reader){ .data = data, .len = len };
}

bool reader_ok(const struct reader *r)
{
	return !r->poisoned;
}

size_t reader_left(const struct reader *r)
{
	return r->poisoned ? 0 : r->len - r->pos;
}

void reader_seek(struct reader *r, size_t pos)
{
	if (pos > r->len)
		r->poisoned = true;
	else
		r->pos = pos;
}

const uint8_t *reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *at;

	if (len > reader_left(r) || r->poisoned) {
		r->poisoned = true;
		return NULL;
	}
	at = r->data + r->pos;
	r->pos += len;
	return at;
}

void reader_skip(struct reader *r, size_t len)
{
	reader_bytes(r, len);
}

static void read_number(struct reader *r, void *ret, size_t len)
{
	const uint8_t *at = reader_bytes(r, len);

	if (at)
		memcpy(ret, at, len);
}

uint8_t reader_u8(struct reader *r)
{
	uint8_t v = 0;

	read_number(r, &v, sizeof(v));
	return v;
}

uint16_t reader_u16(struct reader *r)
{
	uint16_t v = 0;

	read_number(r, &v, sizeof(v));
	return v;
}

uint32_t reader_u32(struct reader *r)
{
	uint32_t v = 0;

	read_number(r, &v, sizeof(v));
	return v;
}

uint64_t reader_u64(struct reader *r)
{
	uint64_t v = 0;

	read_number(r, &v, sizeof(v));
	return v;
}

struct str reader_c_string(struct reader *r)
{
	size_t left = reader_left(r);
	const uint8_t *start = r->data + r->pos;
	const uint8_t *end = left ? memchr(start, 0, left) : NULL;

	if (!end) {
		r->poisoned = true;
		return (struct str){ 0 };
	}
	r->pos += (size_t)(end - start) + 1;
	return str_make(start, (size_t)(end - start));
}

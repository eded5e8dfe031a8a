// SPDX-License-Identifier: BSD-2-Clause
#include "base64.h"

#include <errno.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t *to;
	int r;

	if (len > SIZE_MAX / 4)
		return -ENOBUFS;
	r = buf_reserve(out, (len + 2) / 3 * 4);
	if (r < 0 || !len)
		return r;
	to = out->data + out->len;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)p[i] << 16;

		bits |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		bits |= left > 2 ? p[i + 2] : 0;
		*to++ = (uint8_t)letters[bits >> 18];
		*to++ = (uint8_t)letters[bits >> 12 & 63];
		*to++ = (uint8_t)(left > 1 ? letters[bits >> 6 & 63] : '=');
		*to++ = (uint8_t)(left > 2 ? letters[bits & 63] : '=');
	}
	out->len = (size_t)(to - out->data);
	return 0;
}

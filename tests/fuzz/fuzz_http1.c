// SPDX-License-Identifier: BSD-2-Clause
/*
 * Input: steps of one tag byte and what follows it. The tag's bit 0 is the direction, bit 1 says
 * that this is a gap; the other six bits are a length, 63 meaning all that is left (for a gap:
 * 2^32). A first byte with bit 0 set asks for tight limits, with bit 1 set the capture
 * ends before the connection.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http1_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http1_limits tight = {
	.head_max = 64,
	.header_cnt_max = 2,
	.chunk_line_max = 8,
	.trailer_max = 16,
	.pending_max = 2,
};

/* Returns the bytes taken. */
static size_t step(struct http1_log *l, const uint8_t *data, size_t size)
{
	enum dir dir = data[0] & 1 ? DIR_RECEIVED : DIR_SENT;
	size_t len = data[0] >> 2;

	if (data[0] & 2) {
		http1_log_gap(l, dir, len == 63 ? 1ull << 32 : len + 1);
		return 1;
	}
	if (len == 63 || len > size - 1)
		len = size - 1;
	http1_log_feed(l, dir, data + 1, len);
	return 1 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http1_log l;

	if (!size || !http1_log_open(&l, data[0] & 1 ? &tight : NULL))
		return 0;
	for (size_t at = 1; at < size;)
		at += step(&l, data + at, size - at);
	http1_log_end(&l, !(data[0] & 2));
	if (l.fault[0]) {
		fprintf(stderr, "broken promise: %s\n", l.fault);
		abort();
	}
	http1_log_close(&l);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str text, const uint8_t *data, size_t size)
{
	const uint8_t *begin = (const uint8_t *)text.p;

	if (begin < data || begin + text.len > data + size)
		abort();
}

/* It comes to an end, and what is borrowed lies inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "annotations", "io.kubernetes.cri.container-name",
					    NULL };
	size_t cnt = 0;
	enum json_piece piece;
	struct json_scan s;
	struct str found;

	json_scan_init(&s, str_make(data, size));
	while ((piece = json_scan_next(&s)) != JSON_PIECE_END) {
		if (++cnt > size)
			abort();
		if (piece == JSON_PIECE_KEY || piece == JSON_PIECE_TEXT)
			check_inside(s.text, data, size);
	}
	if (json_scan_find(str_make(data, size), keys, &found))
		check_inside(found, data, size);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "discover/ld_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ld_cache_entry e;
	struct ld_cache c = {};
	size_t pos = 0;

	if (ld_cache_parse(&c, data, size) < 0)
		return 0;
	while (ld_cache_next(&c, &pos, &e)) {
		if (strlen(e.name) >= size || strlen(e.path) >= size)
			abort();
	}
	return 0;
}

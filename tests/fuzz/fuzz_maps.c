/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "discover/proc_maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);
	struct proc_map m;
	int r;

	while ((r = proc_maps_next(&rest, &m)) != 0) {
		if (r > 0 && m.start >= m.end)
			abort();
		if (r > 0)
			free(proc_map_path(&m));
	}
	return 0;
}

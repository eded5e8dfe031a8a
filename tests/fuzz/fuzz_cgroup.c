/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "discover/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ids are whole or absent, and what is borrowed lies inside the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct cgroup c;
	size_t id, pod;

	cgroup_parse(str_make(data, size), &c);
	id = strlen(c.container.id);
	pod = strlen(c.container.pod);
	if ((id && id != 64) || (pod && pod != 32 && pod != 36) || (c.container.runtime && !id))
		abort();
	if (c.path.len && (c.path.p < text || c.path.p + c.path.len > text + size))
		abort();
	if (c.unit.len && (c.unit.p < c.path.p || c.unit.p + c.unit.len > c.path.p + c.path.len))
		abort();
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "discover/library_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A version is a text of the input, or the word that there are two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char version[TARGET_VERSION_MAX] = "";

	if (!library_version_scan(data, size, version) || !strcmp(version, "?"))
		return 0;
	if (!memchr(version, 0, sizeof(version)) || !memmem(data, size, version, strlen(version)))
		abort();
	return 0;
}

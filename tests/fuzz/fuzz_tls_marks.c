/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "discover/tls_marks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A version is short, printable, and there only with a project; two pieces that overlap see it too.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_marks whole = { 0 }, cut = { 0 };
	size_t half = size / 2;

	tls_marks_look(&whole, data, size);
	if (strlen(whole.version) >= TLS_VERSION_MAX || (whole.version[0] && !whole.project))
		abort();
	for (const char *c = whole.version; *c; c++)
		if (*c <= ' ' || *c > '~')
			abort();
	tls_marks_look(&cut, data, half);
	if (half > TLS_MARKS_OVERLAP)
		half -= TLS_MARKS_OVERLAP;
	else
		half = 0;
	tls_marks_look(&cut, data + half, size - half);
	if (cut.has_tls != whole.has_tls || cut.rank != whole.rank ||
	    strcmp(cut.version, whole.version) != 0)
		abort();
	return 0;
}

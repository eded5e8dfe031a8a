// SPDX-License-Identifier: BSD-2-Clause
#include "expect.h"

#include <string.h>
#include <sys/utsname.h>

static const struct expected_kernel table[] = {
	{ "5.10.", { false } },
	{ "6.1.",
	  { [FEATURE_COOKIE] = true, [FEATURE_LOOP] = true, [FEATURE_SLEEP] = true },
	  .has_ktls = true },
	{ "6.12.",
	  { [FEATURE_COOKIE] = true,
	    [FEATURE_LOOP] = true,
	    [FEATURE_MULTI] = true,
	    [FEATURE_SLEEP] = true },
	  .has_ktls = true },
	{ "7.2.",
	  { [FEATURE_COOKIE] = true,
	    [FEATURE_LOOP] = true,
	    [FEATURE_MULTI] = true,
	    [FEATURE_SESSION] = true,
	    [FEATURE_USER_DYNPTR] = true,
	    [FEATURE_SLEEP] = true },
	  .has_ktls = true },
};

const struct expected_kernel *expected_here(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strncmp(name.release, table[i].version, strlen(table[i].version)))
			return &table[i];
	return NULL;
}

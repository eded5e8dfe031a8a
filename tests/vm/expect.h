/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each kernel of tools/fetch-kernels can do. A feature that is not found although it stands
 * here is a failure, and so is one that is found although it does not: the table is then to be
 * corrected, as it says which fallback is exercised where.
 */
#ifndef PLAINTAP_TESTS_VM_EXPECT_H
#define PLAINTAP_TESTS_VM_EXPECT_H

#include <stdbool.h>

#include "attach/features.h"

struct expected_kernel {
	const char *version; /* how `uname -r` begins */
	bool has[FEATURE_CNT];
	bool has_ktls; /* can encrypt TLS itself, with the modules that tools/fetch-kernels takes */
};

/* The row of the running kernel; NULL: not in the table. */
const struct expected_kernel *expected_here(void);

#endif

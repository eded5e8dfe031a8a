/* SPDX-License-Identifier: BSD-2-Clause */
/* Which version a library is, as it says itself: by the text that its version function returns. */
#ifndef PLAINTAP_DISCOVER_LIBRARY_VERSION_H
#define PLAINTAP_DISCOVER_LIBRARY_VERSION_H

#include <stdbool.h>
#include <stddef.h>

#include "model/target.h"

/*
 * Looks in `len` bytes for texts like "OpenSSL 3.0.17 1 Jul 2025", each after a NUL, of which it
 * takes name and number.
 * False: there is none. Two that differ, in one call or several with the same `version`: it is then
 * "?", for good. `version` is "" before the first call.
 */
bool library_version_scan(const void *data, size_t len, char version[TARGET_VERSION_MAX]);

/* The same with a whole file. "" in *ret when it does not say, or says two. */
void library_version_read(int fd, char ret[TARGET_VERSION_MAX]);

#endif

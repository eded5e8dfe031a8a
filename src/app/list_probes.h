/* SPDX-License-Identifier: BSD-2-Clause */
/* Which places would be probed, without probing any. */
#ifndef PLAINTAP_APP_LIST_PROBES_H
#define PLAINTAP_APP_LIST_PROBES_H

#include "base/error.h"

struct target;

/*
 * Calls `each` for every TLS library of the process `what` (a number), or for the library file
 * `what`; a negative result of `each` ends it and is returned. -ESRCH: no such process; -ENOENT: no
 * TLS library that plaintap knows; or as tls_library_examine(). Files of other machines than this
 * one are fine.
 */
int list_probes(const char *what, int (*each)(void *user, const struct target *t), void *user,
		struct error *ret_error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Which places would be probed, without probing any. */
#ifndef PLAINTAP_APP_LIST_PROBES_H
#define PLAINTAP_APP_LIST_PROBES_H

#include "base/error.h"

struct target_list;

/*
 * Adds the TLS libraries of the process `what` (a number), or the library file `what`, to `ret`.
 * -ESRCH: no such process; -ENOENT: no TLS library that plaintap knows; or as
 * tls_library_examine(). Files of other machines than this one are fine.
 */
int list_probes(const char *what, struct target_list *ret, struct error *ret_error);

#endif

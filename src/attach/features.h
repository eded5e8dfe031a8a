/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel can do, found by doing it, never by its version. */
#ifndef PLAINTAP_ATTACH_FEATURES_H
#define PLAINTAP_ATTACH_FEATURES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "kfuncs.h"

enum feature {
	FEATURE_SESSION,     /* one uprobe link for entry and return */
	FEATURE_MULTI,	     /* one uprobe link for many places */
	FEATURE_COOKIE,	     /* a link's program learns which place was hit */
	FEATURE_USER_DYNPTR, /* user memory is read straight into a record of any size */
	FEATURE_LOOP,	     /* loops of any length */
	FEATURE_SLEEP,	     /* a probe's program waits for a page that is not in memory */
	FEATURE_CNT,
};

struct features {
	bool has[FEATURE_CNT];
};

/*
 * Tries every feature but those in the set `forbidden` (bits by enum feature), which count as
 * absent. `kfuncs`: the kernel's functions, as kfuncs_find() has it; NULL: to be found. They are
 * in use from then on. Never places a probe. Fails only where the kernel cannot do the minimum (a
 * message says what is missing): BTF, uprobes, ring buffers.
 */
int features_probe(unsigned forbidden, const struct kfuncs *kfuncs, struct features *ret,
		   struct error *ret_error);

/* The first of them: does the kernel tell its types? */
int features_check_types(struct error *ret_error);

/* "session", "multi", "cookie", "dynptr", "loop", "sleep". */
const char *feature_name(enum feature f);
/* The feature of that name, or -EINVAL. */
int feature_from_name(struct str name);

#endif

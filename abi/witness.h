/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What both sides know of the check of places, see bpf/lib/witness.bpf.h. Rules as in records.h. */
#ifndef PLAINTAP_ABI_WITNESS_H
#define PLAINTAP_ABI_WITNESS_H

#include <linux/types.h>

/* So many calls of a direction are checked against the exported functions. */
#define WITNESS_CALLS 32

/*
 * In the attach cookie of the exported functions' probes that take over from those of a place that
 * turned out wrong: calls that they see are theirs.
 */
#define PROBE_COOKIE_TAKES_OVER ((__u64)1 << 16)

/* Key of map `witnesses`. */
#define WITNESS_KEY(target, dir) ((__u64)(target) << 8 | (dir))

/* Value of map `witnesses`: how the check of one target and direction goes. */
struct witness_counts {
	__u64 calls; /* that moved bytes, by either account */
	__u64 wrong; /* of them: the captured bytes were not those of the exported function */
	__u64 bytes_missed; /* in those, where too few were captured */
};

_Static_assert(sizeof(struct witness_counts) == 24, "layout");

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which processes are watched: what user space asks for, and what the kernel side remembers of each
 * process. The rules of records.h hold.
 */
#ifndef PLAINTAP_ABI_PROCESS_FILTER_H
#define PLAINTAP_ABI_PROCESS_FILTER_H

#include <linux/types.h>

/* Value of map `watched`, key: pid. Without an entry: not watched, or not looked at so far. */
enum watch_state {
	WATCH_JUDGED = 1 << 0, /* else it is judged at its next sign of life */
	WATCH_IN = 1 << 1,     /* it was let in: its bytes are wanted */
	WATCH_TOLD = 1 << 2,   /* user space knows of it, and so hears of its end */
	WATCH_FIXED = 1 << 3,  /* never judged again, and its children are as it is */
};

/* What a process is asked for. */
enum process_trait {
	TRAIT_COMM = 0,	  /* its name, of its first thread: 16 bytes with NULs behind */
	TRAIT_UID = 1,	  /* real user id */
	TRAIT_EXE = 2,	  /* inode; device below generation << 32 */
	TRAIT_CGROUP = 3, /* id; number of its hierarchy; those above count too */
	TRAIT_NETNS = 4,  /* inode */
	TRAIT_CNT = 5,
};

/* Value of map `filters`: is the trait asked for, or to be kept out, or both? */
enum trait_wish { TRAIT_WANTED = 1 << 0, TRAIT_REFUSED = 1 << 1 };

/* Key of map `filters`. */
struct trait_key {
	__u32 trait; /* enum process_trait */
	__u32 pad32;
	__u64 value[2];
};

/* capture_control.filters: which traits matter at all. */
#define FILTERS_ON	       (1U << 31)
#define FILTERS_WANT(trait)    (1U << (trait))
#define FILTERS_WANT_ANY       ((1U << TRAIT_CNT) - 1)
#define FILTERS_REFUSE(trait)  (1U << ((trait) + 8))
#define FILTERS_ASK_FOR(trait) (FILTERS_WANT(trait) | FILTERS_REFUSE(trait))

/* May a process in which `wish` (set of enum trait_wish) was found for this trait pass? */
static inline __attribute__((always_inline)) int trait_passes(__u32 filters, __u32 trait,
							      __u32 wish)
{
	if (wish & TRAIT_REFUSED)
		return 0;
	return !(filters & FILTERS_WANT(trait)) || (wish & TRAIT_WANTED);
}

_Static_assert(sizeof(struct trait_key) == 24, "layout");

#endif

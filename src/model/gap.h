/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_MODEL_GAP_H
#define PLAINTAP_MODEL_GAP_H

#include <stdint.h>

/* Why bytes are missing. A gap can have several causes: a set of these bits. */
enum gap_cause {
	GAP_RING_FULL = 1 << 0,	   /* the consumer was too slow for the ring */
	GAP_UNREADABLE = 1 << 1,   /* the kernel could not read the program's memory */
	GAP_TOO_LONG = 1 << 2,	   /* one call larger than what this kernel can cut into records */
	GAP_NOT_FOLLOWED = 1 << 3, /* the probes inside of the library did not see them */
	GAP_LIMIT = 1 << 4,	   /* a limit of plaintap's own in user space */
	GAP_UNKNOWN = 1 << 5,	   /* the record that would have said so is missing too */
};

enum { GAP_CAUSE_CNT = 6 };

/* A hole in one direction of one connection. */
struct gap {
	uint64_t len;	 /* exact, never 0 */
	unsigned causes; /* set of enum gap_cause, never 0 */
};

/* Name of one cause, by bit number: "ring_full", "unreadable", "too_long" and so on. */
const char *gap_cause_name(unsigned bit);

#endif

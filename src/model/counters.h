/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every stage saw, passed on and dropped. The sums balance:
 *
 *   kernel.bytes_seen   = kernel.bytes_sent + sum(kernel.bytes_dropped)
 *   kernel.bytes_sent   = collect.bytes + collect.bytes_invalid + collect.bytes_unreadable
 *                         (once the ring is drained)
 *   collect.bytes       = stream.bytes + stream.bytes_refused + stream.bytes_filtered
 *   stream.gap_bytes + stream.gap_bytes_filtered
 *                       = sum(kernel.bytes_dropped) + collect.bytes_unreadable +
 *                         stream.bytes_refused
 *                         (perhaps less while kernel.ends_dropped or stream.bytes_refused is not 0)
 */
#ifndef PLAINTAP_MODEL_COUNTERS_H
#define PLAINTAP_MODEL_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "gap.h"

struct counters {
	struct {
		uint64_t calls;			       /* successful reads and writes seen */
		uint64_t bytes_seen;		       /* by those calls */
		uint64_t bytes_sent;		       /* handed to the ring */
		uint64_t bytes_dropped[GAP_CAUSE_CNT]; /* by cause, index is the bit number */
		uint64_t records_dropped;	       /* of any kind, that found the ring full */
		uint64_t ends_dropped;	 /* ends of connections that could not be told: their last
					    losses, if any, are in bytes_dropped but in no gap */
		uint64_t infos_dropped;	 /* descriptions of connections that could not be told */
		uint64_t conns_filtered; /* connections that were not wanted: none of their bytes
					    are in any count */
		uint64_t states_dropped; /* calls not followed: the table of calls was full */
	} kernel;
	struct {
		uint64_t records;
		uint64_t bytes;		  /* plaintext in valid records */
		uint64_t records_invalid; /* malformed: never expected */
		uint64_t bytes_invalid;
		uint64_t bytes_unreadable; /* left in a program's memory, and not to be had */
	} collect;
	struct {
		uint64_t connections; /* ever opened */
		uint64_t connections_closed;
		uint64_t connections_unaddressed; /* of those: whose addresses stayed unknown */
		uint64_t bytes;			  /* passed on, both directions */
		uint64_t bytes_refused;		  /* arrived, but no connection could be kept */
		uint64_t conns_filtered;	  /* kept out as never judged: see kernel too */
		uint64_t bytes_filtered;	  /* arrived before their connection was kept out */
		uint64_t gap_bytes_filtered;	  /* missing of connections that were kept out */
		uint64_t gaps;
		uint64_t gap_bytes;		      /* known to be missing */
		uint64_t gap_bytes_by[GAP_CAUSE_CNT]; /* the same; several causes: the lowest bit */
	} stream;
	struct {
		uint64_t exchanges;	     /* published */
		uint64_t exchanges_complete; /* both sides, all bytes */
		uint64_t data_bytes;	     /* passed on as no HTTP */
		uint64_t no_memory;	     /* messages cut or left out for want of memory */
	} exchange;
	struct {
		uint64_t holds; /* a program waited for us to look at what it had loaded */
		uint64_t hold_ns;
		uint64_t holds_in_vain; /* … and went on before we had */
	} load;
	struct {
		uint64_t bytes;	     /* written by all sinks */
		uint64_t failures;   /* sinks that gave up */
		uint64_t waits;	     /* the queue of what is to be written was full */
		uint64_t wait_ns;    /* for so long in all nothing was taken from the ring */
		uint64_t queue_peak; /* most bytes of memory that the queue held */
	} sink;
};

/* Bytes that are known to be missing, in whatever stage they were lost. */
uint64_t counters_lost_bytes(const struct counters *c);

/*
 * Do the sums above hold? True only at the end, once the ring is drained and all connections are
 * closed.
 */
bool counters_balanced(const struct counters *c);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "counters.h"

bool counters_balanced(const struct counters *c)
{
	uint64_t dropped = 0, gaps_by_cause = 0, missing;
	bool gaps_all_seen;

	for (unsigned i = 0; i < GAP_CAUSE_CNT; i++) {
		dropped += c->kernel.bytes_dropped[i];
		gaps_by_cause += c->stream.gap_bytes_by[i];
	}
	/* Ends that were never told, and connections that were refused, have gaps that nobody saw.
	 */
	gaps_all_seen = !c->kernel.ends_dropped && !c->stream.bytes_refused;
	missing = dropped + c->collect.bytes_unreadable + c->stream.bytes_refused -
		  c->stream.gap_bytes_filtered;
	return c->kernel.bytes_seen == c->kernel.bytes_sent + dropped &&
	       c->kernel.bytes_sent ==
		       c->collect.bytes + c->collect.bytes_invalid + c->collect.bytes_unreadable &&
	       c->collect.bytes ==
		       c->stream.bytes + c->stream.bytes_refused + c->stream.bytes_filtered &&
	       c->stream.gap_bytes <= missing &&
	       (!gaps_all_seen || c->stream.gap_bytes == missing) &&
	       c->stream.gap_bytes == gaps_by_cause;
}

uint64_t counters_lost_bytes(const struct counters *c)
{
	uint64_t lost = c->collect.bytes_invalid + c->collect.bytes_unreadable +
			c->stream.bytes_refused;

	for (unsigned i = 0; i < GAP_CAUSE_CNT; i++)
		lost += c->kernel.bytes_dropped[i];
	return lost - c->stream.gap_bytes_filtered;
}

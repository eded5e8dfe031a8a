// SPDX-License-Identifier: BSD-2-Clause
#include "gap.h"

const char *gap_cause_name(unsigned bit)
{
	static const char *const names[GAP_CAUSE_CNT] = { "ring_full",	  "unreadable", "too_long",
							  "not_followed", "limit",	"unknown" };

	return bit < GAP_CAUSE_CNT ? names[bit] : "unknown";
}

// SPDX-License-Identifier: BSD-2-Clause
#include "filter.h"

#include <stddef.h>

const char *filter_kind_name(enum filter_kind kind)
{
	static const char *const names[FILTER_KIND_CNT] = {
		"pid", "comm", "uid", "exe", "cgroup", "container", "netns", "port", "host",
	};

	return (unsigned)kind < FILTER_KIND_CNT ? names[kind] : NULL;
}

bool filter_kind_is_of_process(enum filter_kind kind)
{
	return kind < FILTER_PORT;
}

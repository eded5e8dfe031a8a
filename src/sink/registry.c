// SPDX-License-Identifier: BSD-2-Clause
#include "registry.h"

#include "dir.h"
#include "jsonl.h"
#include "terminal.h"

const struct sink_ops *const sink_registry[] = {
	&jsonl_sink,
	&dir_sink,
	&terminal_sink,
};
const size_t sink_registry_cnt = sizeof(sink_registry) / sizeof(sink_registry[0]);

const struct sink_ops *sink_find(const char *spec)
{
	for (size_t i = 0; i < sink_registry_cnt; i++)
		if (sink_registry[i]->claims(spec))
			return sink_registry[i];
	return NULL;
}

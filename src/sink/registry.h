/* SPDX-License-Identifier: BSD-2-Clause */
/* All outputs. A new one is one file and one line here. */
#ifndef PLAINTAP_SINK_REGISTRY_H
#define PLAINTAP_SINK_REGISTRY_H

#include "model/sink.h"

extern const struct sink_ops *const sink_registry[];
extern const size_t sink_registry_cnt;

/* The sink for `-o spec`; NULL when there is none. "terminal:" is what runs without -o. */
const struct sink_ops *sink_find(const char *spec);

#endif

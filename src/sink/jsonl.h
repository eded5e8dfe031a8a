/* SPDX-License-Identifier: BSD-2-Clause */
/* `-o FILE.jsonl`, `-o -`: one JSON object a line, see docs/JSON.md. */
#ifndef PLAINTAP_SINK_JSONL_H
#define PLAINTAP_SINK_JSONL_H

#include "model/sink.h"

extern const struct sink_ops jsonl_sink;

#endif

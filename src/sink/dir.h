/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `-o DIR/`: the bytes of each connection as they are, one file per direction, and an index.
 */
#ifndef PLAINTAP_SINK_DIR_H
#define PLAINTAP_SINK_DIR_H

#include "model/sink.h"

extern const struct sink_ops dir_sink;

#endif

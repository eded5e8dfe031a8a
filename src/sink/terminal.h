/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person reads when no -o is given: a block per exchange. Every byte that came from outside
 * is made harmless first.
 */
#ifndef PLAINTAP_SINK_TERMINAL_H
#define PLAINTAP_SINK_TERMINAL_H

#include "base/buf.h"
#include "model/sink.h"

extern const struct sink_ops terminal_sink;

/* One block, appended to `out`. 0, -ENOBUFS, -ENOMEM. */
int terminal_exchange(struct buf *out, const struct exchange *x, bool color);
int terminal_data(struct buf *out, const struct data_piece *d, bool color);

#endif

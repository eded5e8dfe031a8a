/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_PROTO_REGISTRY_H
#define PLAINTAP_PROTO_REGISTRY_H

#include <stddef.h>

#include "model/proto.h"

/* In the order in which they are tried; the last one takes everything. */
extern const struct proto_ops *const proto_registry[];
extern const size_t proto_registry_cnt;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol of what is no known protocol: every byte is opaque. */
#ifndef PLAINTAP_PROTO_OPAQUE_H
#define PLAINTAP_PROTO_OPAQUE_H

#include "model/proto.h"

extern const struct proto_ops proto_opaque;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_BASE_BASE64_H
#define PLAINTAP_BASE_BASE64_H

#include <stddef.h>

#include "buf.h"

/* Appends `data` as base64 with padding (RFC 4648 section 4). All or nothing: 0, -ENOBUFS, -ENOMEM.
 */
int base64_encode(struct buf *out, const void *data, size_t len);

#endif

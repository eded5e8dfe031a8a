/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The content that tests send: an endless stream of numbered 16-byte blocks, block i being the
 * 15-digit decimal number i and a line feed. A byte that is missing, doubled or out of place is
 * seen in any digest, and a person sees in the file itself which one it was.
 */
#ifndef PLAINTAP_TESTS_BLOCKS_H
#define PLAINTAP_TESTS_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK_SIZE = 16 };

/* Fills `out` with the bytes [offset, offset + len) of the stream. */
void blocks_fill(void *out, uint64_t offset, size_t len);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Which fields a function copies from one object to another. */
#ifndef PLAINTAP_DISCOVER_ACCESS_COPIES_H
#define PLAINTAP_DISCOVER_ACCESS_COPIES_H

#include <stddef.h>
#include <stdint.h>

struct code;

/*
 * The places of 4-byte fields that the function of `size` bytes loads from one object and stores at
 * the same place of another, in the order of its code. How many there are, further ones than `max`
 * left out; -EBADMSG: an instruction is not understood.
 */
int access_copies(struct code *c, uint64_t vaddr, uint64_t size, int64_t *ret, int max);

#endif

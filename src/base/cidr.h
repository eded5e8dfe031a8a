/* SPDX-License-Identifier: BSD-2-Clause */
/* An address with the number of its bits that count: "10.0.0.0/8", "2001:db8::/32", "::1". */
#ifndef PLAINTAP_BASE_CIDR_H
#define PLAINTAP_BASE_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

struct cidr {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; bits that do not count are 0 */
	unsigned bit_cnt;    /* 0 … 128 */
};

/*
 * Without a length all bits count. Names are not looked up. -EINVAL: no address; -ERANGE: a length
 * of more bits than the address has, or none.
 */
int cidr_parse(struct str text, struct cidr *ret);
bool cidr_contains(const struct cidr *c, const uint8_t address[16]);

#endif

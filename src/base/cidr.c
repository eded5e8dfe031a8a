// SPDX-License-Identifier: BSD-2-Clause
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { V4_BITS = 32, V6_BITS = 128, MAPPED_BITS = V6_BITS - V4_BITS };

/* The address and how many bits it has. */
static int parse_address(struct str text, uint8_t ret[16], unsigned *ret_bits)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN];

	if (!text.len || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len))
		return -EINVAL;
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	memcpy(ret, mapped, sizeof(mapped));
	*ret_bits = V4_BITS;
	if (inet_pton(AF_INET, copy, ret + sizeof(mapped)) == 1)
		return 0;
	*ret_bits = V6_BITS;
	return inet_pton(AF_INET6, copy, ret) == 1 ? 0 : -EINVAL;
}

/* How many bits of byte `i` count. */
static uint8_t byte_mask(const struct cidr *c, unsigned i)
{
	unsigned before = i * 8;

	if (c->bit_cnt <= before)
		return 0;
	return c->bit_cnt >= before + 8 ? 0xff : (uint8_t)(0xff00 >> (c->bit_cnt - before));
}

int cidr_parse(struct str text, struct cidr *ret)
{
	int64_t slash = str_find(text, '/');
	struct str address = text;
	uint64_t bit_cnt;
	struct cidr c;
	unsigned bits;
	int r;

	if (slash >= 0)
		address.len = (size_t)slash;
	r = parse_address(address, c.address, &bits);
	if (r < 0)
		return r;
	bit_cnt = bits;
	if (slash >= 0) {
		struct str len = str_make(text.p + slash + 1, text.len - (size_t)slash - 1);

		if (str_to_u64(len, 10, &bit_cnt) < 0 || bit_cnt > bits)
			return -ERANGE;
	}
	c.bit_cnt = (unsigned)bit_cnt + (bits == V4_BITS ? MAPPED_BITS : 0);
	for (unsigned i = 0; i < sizeof(c.address); i++)
		c.address[i] &= byte_mask(&c, i);
	*ret = c;
	return 0;
}

bool cidr_contains(const struct cidr *c, const uint8_t address[16])
{
	for (unsigned i = 0; i < sizeof(c->address); i++)
		if ((address[i] & byte_mask(c, i)) != c->address[i])
			return false;
	return true;
}

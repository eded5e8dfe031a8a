// SPDX-License-Identifier: BSD-2-Clause
#include "blocks.h"

#include <string.h>

static void make_block(char block[BLOCK_SIZE], uint64_t number)
{
	for (int i = BLOCK_SIZE - 2; i >= 0; i--) {
		block[i] = (char)('0' + number % 10);
		number /= 10;
	}
	block[BLOCK_SIZE - 1] = '\n';
}

void blocks_fill(void *out, uint64_t offset, size_t len)
{
	char *at = out;

	while (len) {
		size_t skip = (size_t)(offset % BLOCK_SIZE);
		size_t take = BLOCK_SIZE - skip;
		char block[BLOCK_SIZE];

		if (take > len)
			take = len;
		make_block(block, offset / BLOCK_SIZE);
		memcpy(at, block + skip, take);
		at += take;
		offset += take;
		len -= take;
	}
}

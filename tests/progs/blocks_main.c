// SPDX-License-Identifier: BSD-2-Clause
/* Writes the first N bytes of the numbered blocks to stdout, or their SHA-256 with --sha256. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "blocks.h"
#include "tls_util.h"

static int print_digest(uint64_t size)
{
	struct tally *t = tally_new();
	char hex[TALLY_HEX_SIZE];
	static char piece[65536];

	for (uint64_t at = 0; at < size; at += sizeof(piece)) {
		size_t len = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		blocks_fill(piece, at, len);
		tally_add(t, piece, len);
	}
	tally_finish(t, hex);
	tally_free(t);
	printf("%s\n", hex);
	return 0;
}

static int print_bytes(uint64_t size)
{
	static char piece[65536];

	for (uint64_t at = 0; at < size; at += sizeof(piece)) {
		size_t len = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		blocks_fill(piece, at, len);
		if (fwrite(piece, 1, len, stdout) != len)
			die("blocks: writing to stdout failed");
	}
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool digest = argc == 3 && strcmp(argv[1], "--sha256") == 0;
	uint64_t size;

	if ((argc != 2 && !digest) || str_to_size(str_from(argv[argc - 1]), &size) < 0) {
		fputs("usage: blocks [--sha256] SIZE\n", stderr);
		return 2;
	}
	return digest ? print_digest(size) : print_bytes(size);
}

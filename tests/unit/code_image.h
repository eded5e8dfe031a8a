/* SPDX-License-Identifier: BSD-2-Clause */
/* A piece of code in memory, written as hexadecimal text, for tests of placement. */
#ifndef PLAINTAP_TESTS_CODE_IMAGE_H
#define PLAINTAP_TESTS_CODE_IMAGE_H

#include <stdint.h>

#include "discover/code.h"

enum {
	IMAGE_VADDR = 0x10000,
	IMAGE_LEN = 0x1000,
	IMAGE_SLOT = 0x100, /* a function may take so many bytes */
};

struct code_image {
	uint8_t bytes[IMAGE_LEN];
	enum code_machine machine;
	size_t len; /* of the code; less than IMAGE_LEN: it is cut there */
	uint64_t sizes[IMAGE_LEN / IMAGE_SLOT];
};

/* For x86-64, all int3. */
void code_image_init(struct code_image *image);
/*
 * Puts a function at slot number `slot`: pairs of hexadecimal digits, and "@N" (N hexadecimal) for
 * the 32-bit distance from behind it to slot number N, as call and jmp want it.
 */
void code_image_put(struct code_image *image, unsigned slot, const char *text);
uint64_t code_image_vaddr(unsigned slot);
/* Makes slot number `slot` a stub that jumps to the imported function number `import`. */
enum image_import {
	IMPORT_STACK_CHK_FAIL,
	IMPORT_WRITE_EX2,
	IMPORT_ERR_NEW,
	IMPORT_BIO_NEXT,
	IMPORT_MEMCPY,
};
void code_image_put_stub(struct code_image *image, unsigned slot, enum image_import import);
/* `image` is borrowed. */
struct code_source code_image_source(struct code_image *image);

#endif

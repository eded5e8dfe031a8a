/* SPDX-License-Identifier: BSD-2-Clause */
#include "code_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMPORT_VADDR = 0x20000 };

static const char *const import_names[] = { "__stack_chk_fail", "SSL_write_ex2", "ERR_new",
					    "BIO_next", "memcpy" };

void code_image_init(struct code_image *image)
{
	*image = (struct code_image){ .len = IMAGE_LEN };
	memset(image->bytes, 0xcc, sizeof(image->bytes));
}

uint64_t code_image_vaddr(unsigned slot)
{
	return IMAGE_VADDR + (uint64_t)slot * IMAGE_SLOT;
}

static void put_distance(uint8_t *at, uint64_t from, uint64_t to)
{
	uint32_t distance = (uint32_t)(to - from);

	memcpy(at, &distance, sizeof(distance));
}

/* One digit, or 16. */
static unsigned digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (unsigned)(at - digits) : 16;
}

void code_image_put(struct code_image *image, unsigned slot, const char *text)
{
	uint8_t *begin = image->bytes + slot * IMAGE_SLOT, *at = begin;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (*text == '@') {
			text++;
			put_distance(at, code_image_vaddr(slot) + (uint64_t)(at - begin) + 4,
				     code_image_vaddr(digit(*text)));
			at += 4;
			continue;
		}
		*at++ = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
		text++;
	}
	image->sizes[slot] = (uint64_t)(at - begin);
}

void code_image_put_stub(struct code_image *image, unsigned slot, enum image_import import)
{
	uint8_t *at = image->bytes + slot * IMAGE_SLOT;

	/* endbr64; bnd jmp [rip + distance] */
	memcpy(at, "\xf3\x0f\x1e\xfa\xf2\xff\x25", 7);
	put_distance(at + 7, code_image_vaddr(slot) + 11, IMPORT_VADDR + 8 * (uint64_t)import);
	image->sizes[slot] = 11;
}

static size_t read_image(void *user, uint64_t vaddr, void *to, size_t len)
{
	const struct code_image *image = user;

	if (vaddr < IMAGE_VADDR || vaddr - IMAGE_VADDR >= image->len)
		return 0;
	vaddr -= IMAGE_VADDR;
	if (len > image->len - vaddr)
		len = image->len - vaddr;
	memcpy(to, image->bytes + vaddr, len);
	return len;
}

static const char *import_of(void *user, uint64_t slot)
{
	uint64_t i = (slot - IMPORT_VADDR) / 8;

	return i < sizeof(import_names) / sizeof(import_names[0]) ? import_names[i] : NULL;
}

static bool offset_of(void *user, uint64_t vaddr, uint64_t *ret)
{
	const struct code_image *image = user;

	if (vaddr < IMAGE_VADDR || vaddr - IMAGE_VADDR >= image->len)
		return false;
	*ret = vaddr - IMAGE_VADDR;
	return true;
}

struct code_source code_image_source(struct code_image *image)
{
	return (struct code_source){ .machine = image->machine,
				     .read = read_image,
				     .import = import_of,
				     .file_offset = offset_of,
				     .user = image };
}

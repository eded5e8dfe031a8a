/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the code of accessor functions. The first byte chooses the machine; then come an
 * offset (two bytes, low one first) and a size for each function, and the rest is code. A place is
 * either whole or has a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "discover/accessors.h"
#include "discover/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CODE_VADDR = 0x1000, HEAD_LEN = 1 + 3 * ACCESSOR_CNT };

struct image {
	const uint8_t *code;
	size_t len;
};

static size_t read_image(void *user, uint64_t vaddr, void *to, size_t len)
{
	const struct image *image = user;

	if (vaddr < CODE_VADDR || vaddr - CODE_VADDR >= image->len)
		return 0;
	vaddr -= CODE_VADDR;
	if (len > image->len - vaddr)
		len = image->len - vaddr;
	memcpy(to, image->code + vaddr, len);
	return len;
}

static const char *import_of(void *user, uint64_t slot)
{
	return slot & 8 ? "__stack_chk_fail" : slot & 16 ? "BIO_next" : NULL;
}

static void check_place(const struct tls_place *p, enum tls_field field)
{
	if (!memchr(p->reason, 0, sizeof(p->reason)) || p->step_cnt > TLS_PLACE_STEP_MAX ||
	    !p->step_cnt != (p->reason[0] != '\0'))
		abort();
	if (p->step_cnt && field < TLS_FIELD_CLIENT_RANDOM && p->len != 4 && p->len != 8)
		abort();
	if (p->step_cnt && field >= TLS_FIELD_CLIENT_RANDOM && p->len != 32)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accessor_function functions[ACCESSOR_CNT];
	struct image image;
	struct code_source source = { .read = read_image, .import = import_of, .user = &image };
	struct tls_layout layout;
	struct code *code;

	if (size <= HEAD_LEN)
		return 0;
	source.machine = data[0] & 1 ? CODE_ARM64 : CODE_X86_64;
	image = (struct image){ data + HEAD_LEN, size - HEAD_LEN };
	for (size_t i = 0; i < ACCESSOR_CNT; i++) {
		const uint8_t *head = data + 1 + 3 * i;

		functions[i].vaddr = (uint64_t)CODE_VADDR + head[0] + (head[1] << 8);
		functions[i].size = head[2];
	}
	if (code_open(&source, &code) < 0)
		return 0;
	accessors_init(&layout);
	accessors_read(code, functions, &layout);
	accessors_read(code, functions, &layout);
	for (size_t i = 0; i < TLS_FIELD_CNT; i++)
		check_place(&layout.places[i], (enum tls_field)i);
	code_close(code);
	return 0;
}

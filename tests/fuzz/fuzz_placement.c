/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Placement over any bytes as code. The first byte chooses the machine; then come four functions'
 * offsets and sizes, and the rest is code. Whatever the code is, a place must lie in it, at the
 * start of what it stands for or right behind a landing pad.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "discover/code.h"
#include "discover/placement.h"
#include "model/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CODE_VADDR = 0x1000, FUNCTION_CNT = 6, HEAD_LEN = 1 + 2 * FUNCTION_CNT };

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
	return slot & 8 ? "__stack_chk_fail" : slot & 16 ? "SSL_write_ex" : NULL;
}

static bool offset_of(void *user, uint64_t vaddr, uint64_t *ret)
{
	const struct image *image = user;

	if (vaddr < CODE_VADDR || vaddr - CODE_VADDR >= image->len)
		return false;
	*ret = vaddr - CODE_VADDR;
	return true;
}

static void check_points(const struct probe_point *points, size_t cnt, const struct image *image)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct probe_point *p = &points[i];

		if (p->file_off >= image->len || p->at > p->file_off || (p->at && p->at != 4) ||
		    !memchr(p->symbol, 0, sizeof(p->symbol)) ||
		    !memchr(p->reason, 0, sizeof(p->reason)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct placement_function rows[FUNCTION_CNT] = {
		{ "SSL_read", 0, 0, PROBE_READ, PROBE_LEN_RESULT },
		{ "SSL_read_ex", 0, 0, PROBE_READ, PROBE_LEN_AT_ARG3 },
		{ "SSL_write", 0, 0, PROBE_WRITE, PROBE_LEN_RESULT },
		{ "SSL_write_ex", 0, 0, PROBE_WRITE, PROBE_LEN_AT_ARG3 },
		{ "SSL_free", 0, 0, PROBE_FREE, PROBE_LEN_NONE },
		{ "SSL_peek", 0, 0, PROBE_READ, PROBE_LEN_RESULT },
	};
	struct image image;
	struct code_source source = {
		.read = read_image, .import = import_of, .file_offset = offset_of, .user = &image
	};
	struct placement_question q = { .cnt = FUNCTION_CNT - 1, .peek_cnt = 1 };
	struct target t = { .fd = -1 };
	struct code *code;

	if (size <= HEAD_LEN)
		return 0;
	source.machine = data[0] & 1 ? CODE_ARM64 : CODE_X86_64;
	image = (struct image){ data + HEAD_LEN, size - HEAD_LEN };
	for (size_t i = 0; i < FUNCTION_CNT; i++) {
		struct placement_function f = rows[i];

		f.vaddr = CODE_VADDR + data[1 + 2 * i];
		f.size = data[2 + 2 * i];
		if (i < q.cnt)
			q.functions[i] = f;
		else
			q.peeks[0] = f;
	}
	if (code_open(&source, &code) < 0)
		return 0;
	if (placement_choose(code, &q, &t) == 0) {
		check_points(t.points, t.point_cnt, &image);
		check_points(t.fallback, t.fallback_cnt, &image);
	}
	if (placement_choose_plain(code, &q, &t) == 0)
		check_points(t.points, t.point_cnt, &image);
	code_close(code);
	return 0;
}

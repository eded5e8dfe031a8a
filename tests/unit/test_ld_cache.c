/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "discover/findings.h"
#include "discover/ld_cache.h"
#include "discover/target_list.h"
#include "tap.h"

#if defined(__x86_64__)
enum { HOST = 0x0303, OTHER = 0x0a03 };
#else
enum { HOST = 0x0a03, OTHER = 0x0303 };
#endif

struct row {
	uint32_t flags;
	const char *name, *path;
	uint64_t hwcap;
};

static const struct row rows[] = {
	{ HOST, "libssl.so.3", "/usr/lib/libssl.so.3", 0 },
	{ OTHER, "libssl.so.3", "/usr/lib/other/libssl.so.3", 0 },
	{ 0x0003, "libssl.so.3", "/usr/lib32/libssl.so.3", 0 },
	{ HOST, "libc.so.6", "/usr/lib/v3/libc.so.6", 1ULL << 62 },
};

static void put32(struct buf *b, uint32_t v)
{
	if (buf_append(b, &v, sizeof(v)) < 0)
		abort();
}

static void put_string(struct buf *b, const char *s)
{
	if (buf_append(b, s, strlen(s) + 1) < 0)
		abort();
}

/* The new format; its strings are counted from its own header. */
static void put_new(struct buf *b)
{
	const size_t cnt = sizeof(rows) / sizeof(rows[0]);
	uint32_t at = (uint32_t)(48 + 24 * cnt);

	buf_append_str(b, "glibc-ld.so.cache1.1");
	put32(b, (uint32_t)cnt);
	for (int i = 0; i < 6; i++)
		put32(b, 0);
	for (size_t i = 0; i < cnt; i++) {
		put32(b, rows[i].flags);
		put32(b, at);
		at += (uint32_t)strlen(rows[i].name) + 1;
		put32(b, at);
		at += (uint32_t)strlen(rows[i].path) + 1;
		put32(b, 0);
		buf_append(b, &rows[i].hwcap, 8);
	}
	for (size_t i = 0; i < cnt; i++) {
		put_string(b, rows[i].name);
		put_string(b, rows[i].path);
	}
}

/* One old entry: 16 + 12 bytes, so that the new header must be found behind padding. */
static void put_old(struct buf *b)
{
	buf_append(b, "ld.so-1.7.0", 12);
	put32(b, 1);
	for (int i = 0; i < 4; i++)
		put32(b, 0);
}

static void expect_rows(const struct buf *b)
{
	void *copy = guarded_copy(b->data, b->len);
	struct ld_cache_entry e;
	struct ld_cache c = {};
	size_t pos = 0;

	INT_EQ(ld_cache_parse(&c, copy, b->len), 0);
	INT_EQ(c.entry_cnt, 4);
	OK(ld_cache_next(&c, &pos, &e));
	C_STR_EQ(e.name, "libssl.so.3");
	C_STR_EQ(e.path, "/usr/lib/libssl.so.3");
	OK_MSG(ld_cache_next(&c, &pos, &e), "other architectures are passed over");
	C_STR_EQ(e.path, "/usr/lib/v3/libc.so.6");
	OK(!ld_cache_next(&c, &pos, &e) && !ld_cache_next(&c, &pos, &e));
	guarded_free(copy, b->len);
}

static void test_formats(void)
{
	struct buf b;

	buf_init(&b, 65536);
	put_new(&b);
	expect_rows(&b);
	buf_reset(&b);
	put_old(&b);
	put_new(&b);
	expect_rows(&b);
	buf_done(&b);
}

/* Reads all there is; the guard page and the sanitizer are the judges. */
static void walk(const uint8_t *data, size_t len)
{
	uint8_t *copy = guarded_copy(data, len);
	struct ld_cache_entry e;
	struct ld_cache c = {};
	size_t pos = 0;

	if (ld_cache_parse(&c, copy, len) == 0) {
		while (ld_cache_next(&c, &pos, &e)) {
			if (strlen(e.name) + strlen(e.path) > 2 * len)
				abort();
		}
	}
	guarded_free(copy, len);
}

static void test_damaged(void)
{
	uint32_t bad[] = { 0xffffffff, 0x7fffffff, 0x80000000, 1u << 16, 200 };
	struct ld_cache c = {};
	struct buf b;

	buf_init(&b, 65536);
	put_old(&b);
	put_new(&b);
	for (size_t len = 0; len < b.len; len++)
		walk(b.data, len);
	for (size_t at = 0; at + 4 <= b.len; at++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			uint8_t saved[4];

			memcpy(saved, b.data + at, 4);
			memcpy(b.data + at, &bad[i], 4);
			walk(b.data, b.len);
			memcpy(b.data + at, saved, 4);
		}
	}
	OK_MSG(true, "cut and damaged caches are read without a crash");
	INT_EQ(ld_cache_parse(&c, b.data, 40), -EBADMSG);
	INT_EQ(ld_cache_parse(&c, "", 0), -EBADMSG);
	INT_EQ(ld_cache_parse(&c, "#!/bin/sh\n", 10), -EBADMSG);
	buf_done(&b);
}

static void test_files(void)
{
	struct process_findings f;
	struct target_list list;
	struct error e = {};
	int r;

	target_list_init(&list);
	process_findings_init(&f);
	INT_EQ(discover_loader_cache("/no/such/cache", &list, &f, &e), -ENOENT);
	OK(strstr(e.text, "/no/such/cache"));
	INT_EQ(discover_loader_cache("/proc/self/cmdline", &list, &f, &e), -EBADMSG);
	r = discover_loader_cache(LD_CACHE_PATH, &list, &f, &e);
	if (r == -ENOENT)
		tap_skip("the system's cache", "there is none");
	else
		OK_MSG(r >= 0 && (size_t)r >= list.cnt, "the system's cache: %d", r);
	process_findings_done(&f);
	target_list_done(&list);
}

int main(void)
{
	RUN(test_formats);
	RUN(test_damaged);
	RUN(test_files);
	return tap_done();
}

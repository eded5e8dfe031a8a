/* SPDX-License-Identifier: BSD-2-Clause */
#include "ld_cache.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/reader.h"
#include "discover/findings.h"
#include "discover/crypto_library.h"
#include "discover/open_file.h"
#include "discover/target_list.h"
#include "discover/tls_library.h"

/* glibc, sysdeps/generic/dl-cache.h */
#define OLD_MAGIC "ld.so-1.7.0"
#define NEW_MAGIC "glibc-ld.so.cache1.1"

enum {
	OLD_HEADER_LEN = 16, /* magic, padding, number of entries */
	OLD_ENTRY_LEN = 12,
	NEW_HEADER_LEN = 48,
	NEW_ENTRY_LEN = 24,
	CACHE_MAX = 64 << 20, /* bytes of file */
#if defined(__x86_64__)
	FLAGS_HOST = 0x0303, /* 64-bit x86, libc 6 */
#else
	FLAGS_HOST = 0x0a03, /* 64-bit ARM, libc 6 */
#endif
};

static bool has_magic(const uint8_t *data, size_t len, size_t at, const char *magic)
{
	size_t magic_len = strlen(magic);

	return at <= len && len - at >= magic_len && memcmp(data + at, magic, magic_len) == 0;
}

/* Where the new format begins: at once, or aligned behind the old format's entries. */
static int find_new_header(const uint8_t *data, size_t len, size_t *ret)
{
	struct reader r;
	uint64_t at;

	*ret = 0;
	if (has_magic(data, len, 0, NEW_MAGIC))
		return 0;
	if (!has_magic(data, len, 0, OLD_MAGIC))
		return -EBADMSG;
	reader_init(&r, data, len);
	reader_skip(&r, OLD_HEADER_LEN - 4);
	at = OLD_HEADER_LEN + (uint64_t)reader_u32(&r) * OLD_ENTRY_LEN;
	at = (at + 7) & ~7ULL;
	if (!reader_ok(&r) || at > len || !has_magic(data, len, at, NEW_MAGIC))
		return -EBADMSG;
	*ret = at;
	return 0;
}

int ld_cache_parse(struct ld_cache *c, const void *data, size_t len)
{
	struct reader r;
	size_t at, cnt;
	int status = find_new_header(data, len, &at);

	if (status < 0)
		return status;
	reader_init(&r, (const uint8_t *)data + at, len - at);
	reader_skip(&r, strlen(NEW_MAGIC));
	cnt = reader_u32(&r);
	reader_seek(&r, NEW_HEADER_LEN);
	if (!reader_ok(&r) || cnt > reader_left(&r) / NEW_ENTRY_LEN)
		return -EBADMSG;
	*c = (struct ld_cache){ .data = (const uint8_t *)data + at,
				.len = len - at,
				.entry_cnt = cnt };
	return 0;
}

int ld_cache_read(struct ld_cache *c, const char *path, struct error *ret_error)
{
	struct buf b;
	int r;

	buf_init(&b, CACHE_MAX);
	r = read_file(path, &b);
	if (r < 0) {
		buf_done(&b);
		return error_set_errno(ret_error, r, "cannot read the loader's cache %s", path);
	}
	r = ld_cache_parse(c, b.data, b.len);
	if (r < 0) {
		buf_done(&b);
		return error_set(ret_error, r,
				 "%s is not a loader cache that plaintap can read (ldconfig makes "
				 "a new one)",
				 path);
	}
	c->owned = b.data;
	return 0;
}

void ld_cache_done(struct ld_cache *c)
{
	free(c->owned);
	*c = (struct ld_cache){};
}

/* Offsets count from the new format's header. NULL when the string does not end inside. */
static const char *string_at(const struct ld_cache *c, uint32_t off)
{
	struct reader r;
	struct str s;

	reader_init(&r, c->data, c->len);
	reader_seek(&r, off);
	s = reader_c_string(&r);
	return reader_ok(&r) && s.len > 0 ? s.p : NULL;
}

bool ld_cache_next(const struct ld_cache *c, size_t *pos, struct ld_cache_entry *ret)
{
	uint32_t flags, name, path;
	struct reader r;

	while (*pos < c->entry_cnt) {
		reader_init(&r, c->data, c->len);
		reader_seek(&r, NEW_HEADER_LEN + *pos * NEW_ENTRY_LEN);
		flags = reader_u32(&r);
		name = reader_u32(&r);
		path = reader_u32(&r);
		++*pos;
		if (!reader_ok(&r) || flags != FLAGS_HOST)
			continue;
		ret->name = string_at(c, name);
		ret->path = string_at(c, path);
		if (ret->name && ret->path && ret->path[0] == '/')
			return true;
	}
	return false;
}

static int collect_path(const char *path, struct target_list *list, struct error *err)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	int r;

	if (fd < 0)
		return error_set_errno(err, fd, "cannot open %s", path);
	r = tls_library_collect(fd, path, list, err);
	if (r > 0)
		crypto_library_complete_beside(list->items[list->cnt - 1]);
	return r;
}

int discover_loader_cache(const char *path, struct target_list *list,
			  struct process_findings *findings, struct error *ret_error)
{
	struct ld_cache_entry entry;
	struct error e = {};
	struct ld_cache c = {};
	int found = 0, r;
	size_t pos = 0;

	r = ld_cache_read(&c, path, ret_error);
	if (r < 0)
		return r;
	while (ld_cache_next(&c, &pos, &entry)) {
		if (!tls_library_name_matches(entry.path) && !tls_library_name_matches(entry.name))
			continue;
		r = collect_path(entry.path, list, &e);
		if (r >= 0) {
			found++;
			continue;
		}
		log_say(LOG_INFO, "%s", e.text);
		if (findings && findings->problem.code == 0)
			findings->problem = e;
	}
	ld_cache_done(&c);
	return found;
}

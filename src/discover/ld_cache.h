/* SPDX-License-Identifier: BSD-2-Clause */
/* The dynamic loader's list of libraries, /etc/ld.so.cache (glibc's format, new or embedded). */
#ifndef PLAINTAP_DISCOVER_LD_CACHE_H
#define PLAINTAP_DISCOVER_LD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct process_findings;
struct target_list;

#define LD_CACHE_PATH "/etc/ld.so.cache"

struct ld_cache {
	void *owned;	     /* what ld_cache_done() frees; NULL when parsed from borrowed bytes */
	const uint8_t *data; /* from the new format's header on */
	size_t len;
	size_t entry_cnt;
};

struct ld_cache_entry {
	const char *name; /* "libssl.so.3"; borrowed from the cache, as is the path */
	const char *path; /* absolute */
};

/* Judges `len` bytes, which stay borrowed. -EBADMSG: not such a file, or a damaged one. */
int ld_cache_parse(struct ld_cache *c, const void *data, size_t len);
/* -ENOENT: no such file (musl's loader has none); -EBADMSG; -errno. */
int ld_cache_read(struct ld_cache *c, const char *path, struct error *ret_error);
/* Also for an all-zero object. */
void ld_cache_done(struct ld_cache *c);

/*
 * Walks over the 64-bit libraries of this machine's architecture, those for newer processors
 * (glibc-hwcaps) included: start with *pos = 0, false at the end. Damaged entries are left out.
 */
bool ld_cache_next(const struct ld_cache *c, size_t *pos, struct ld_cache_entry *ret);

/*
 * Adds every known TLS library of the cache to `list`. Returns how many there are, -ENOENT when
 * the system has no such cache, -EBADMSG for a damaged one. Files that cannot be probed are
 * findings->problem (findings may be NULL).
 */
int discover_loader_cache(const char *path, struct target_list *list,
			  struct process_findings *findings, struct error *ret_error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What was seen while looking for TLS libraries: the material for telling a person why none was. */
#ifndef PLAINTAP_DISCOVER_FINDINGS_H
#define PLAINTAP_DISCOVER_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct buf;

enum findings_link {
	FINDINGS_LINK_UNKNOWN,
	FINDINGS_LINK_DYNAMIC,
	FINDINGS_LINK_STATIC,
};

enum { FINDINGS_LIBRARY_MAX = 64 };

struct process_findings {
	char *program; /* path of the executable, owned; NULL: unknown */
	enum findings_link link;
	bool is_go; /* the executable is made by the Go toolchain */
	/* File names (without folders) of the libraries seen, each once, owned. */
	char *libraries[FINDINGS_LIBRARY_MAX];
	size_t library_cnt;
	size_t library_more; /* how many were seen past the maximum */
	size_t tls_cnt;	     /* known TLS libraries found, whether new in the list or not */
	/* The first file that is called like a TLS library but cannot be probed; code 0: none. */
	struct error problem;
};

void process_findings_init(struct process_findings *f);
void process_findings_done(struct process_findings *f);

/* Notes a library's file name, unless it is known already. `path` is copied. -ENOMEM. */
int process_findings_add(struct process_findings *f, const char *path);
/* Takes link, is_go and program from the executable at `file` (known to people as `path`). */
void process_findings_look_at_program(struct process_findings *f, const char *file,
				      const char *path);

/*
 * Appends why no TLS library was found, without a full stop: "looked for libssl.so*; it maps
 * libgnutls.so.30, libc.so.6; GnuTLS (libgnutls.so.30) is not supported yet". -ENOBUFS, -ENOMEM.
 */
int process_findings_explain(const struct process_findings *f, struct buf *b);

#endif

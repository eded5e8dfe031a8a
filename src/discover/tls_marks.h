/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which TLS implementation is inside a file, told by texts that it cannot do without: whoever signs
 * or checks a TLS 1.3 handshake needs the context string of RFC 8446, section 4.4.3, also when the
 * program is linked statically and stripped. Who made it, and the version, is told by the texts
 * that the projects put into their builds.
 */
#ifndef PLAINTAP_DISCOVER_TLS_MARKS_H
#define PLAINTAP_DISCOVER_TLS_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_VERSION_MAX = 32, /* bytes of a version, its NUL included */
	/* Bytes that two neighbouring pieces of a file must share, for no mark to be missed. */
	TLS_MARKS_OVERLAP = 128,
};

struct tls_marks {
	bool has_tls;		       /* it implements TLS 1.3 */
	const char *project;	       /* "OpenSSL", static; NULL: no text that is known */
	char version[TLS_VERSION_MAX]; /* "3.0.15"; "": unknown */
	unsigned rank;		       /* of the project's text; the most telling one is kept */
};

/* Looks at one piece of a file's bytes, which may be anything. `m` is zeroed before the first. */
void tls_marks_look(struct tls_marks *m, const void *bytes, size_t len);

/*
 * Looks at an open file, up to 512 MiB of it. Without `want_version` the project of a file that
 * has no TLS is not looked for. -errno from reading, -ENOMEM.
 */
int tls_marks_read(int fd, bool want_version, struct tls_marks *ret);

#endif

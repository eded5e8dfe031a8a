/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_EXCHANGE_URL_H
#define PLAINTAP_EXCHANGE_URL_H

#include "base/str.h"

/*
 * Where a request goes, from its target (RFC 9112 section 3.2: "/path?query", "http://host/path",
 * "host:port" of CONNECT, "*") and its Host header (may be empty). The results point into the
 * arguments; either may be empty.
 */
void url_split(struct str method, struct str target, struct str host_header, struct str *ret_host,
	       struct str *ret_path);
/*
 * "https://host/path" to free(), NUL-terminated; the target itself where it names the host already
 * or no host is known. NULL without memory.
 */
char *url_build(struct str method, struct str target, struct str host_header);

#endif

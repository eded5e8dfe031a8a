// SPDX-License-Identifier: BSD-2-Clause
#include "url.h"

#include <stdlib.h>

/* "http://host/path": what follows "://", or an empty str. */
static struct str after_scheme(struct str target)
{
	static const char *const schemes[] = { "https://", "http://", "wss://", "ws://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);

		if (target.len > len &&
		    str_eq_nocase(str_make(target.p, len), str_from(schemes[i])))
			return str_make(target.p + len, target.len - len);
	}
	return (struct str){ 0 };
}

void url_split(struct str method, struct str target, struct str host_header, struct str *ret_host,
	       struct str *ret_path)
{
	struct str rest = after_scheme(target);
	size_t host_len = 0;

	if (str_eq(method, STR_LIT("CONNECT"))) {
		*ret_host = target;
		*ret_path = (struct str){ 0 };
		return;
	}
	if (!rest.len) {
		*ret_host = host_header;
		*ret_path = target;
		return;
	}
	while (host_len < rest.len && !memchr("/?#", rest.p[host_len], 3))
		host_len++;
	*ret_host = str_make(rest.p, host_len);
	*ret_path = str_make(rest.p + host_len, rest.len - host_len);
}

char *url_build(struct str method, struct str target, struct str host_header)
{
	static const char scheme[] = "https://";
	size_t scheme_len = sizeof(scheme) - 1;
	bool absolute = after_scheme(target).len || str_eq(method, STR_LIT("CONNECT"));
	char *url;

	if (absolute || !host_header.len)
		return str_dup(target);
	/* "OPTIONS *" asks about the host as a whole. */
	if (str_eq(target, STR_LIT("*")))
		target.len = 0;
	url = malloc(scheme_len + host_header.len + target.len + 1);
	if (!url)
		return NULL;
	memcpy(url, scheme, scheme_len);
	memcpy(url + scheme_len, host_header.p, host_header.len);
	if (target.len)
		memcpy(url + scheme_len + host_header.len, target.p, target.len);
	url[scheme_len + host_header.len + target.len] = '\0';
	return url;
}

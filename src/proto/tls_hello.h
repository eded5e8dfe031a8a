/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first flight of one side of a TLS connection, as it is on the wire: what a ClientHello asks
 * for, or what a ServerHello chose (RFC 8446, RFC 5246, RFC 6066, RFC 7301). Takes any split of the
 * same bytes to the same result; a message may lie in several records.
 *
 *	tls_hello_init(&h, NULL);
 *	while (h.status == TLS_HELLO_MORE)
 *		tls_hello_feed(&h, bytes, len);
 *	…
 *	tls_hello_done(&h);
 */
#ifndef PLAINTAP_PROTO_TLS_HELLO_H
#define PLAINTAP_PROTO_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum tls_hello_status {
	TLS_HELLO_MORE,	   /* so far it looks like one */
	TLS_HELLO_DONE,	   /* the fields below are known */
	TLS_HELLO_ABSENT,  /* TLS, but no hello will come: see reason */
	TLS_HELLO_NOT_TLS, /* or not by its rules: see reason */
};

enum {
	TLS_RANDOM_LEN = 32,
	TLS_SERVER_NAME_MAX = 256, /* with NUL */
	TLS_ALPN_MAX = 256,	   /* bytes */
	TLS_VERSION_MAX = 16,
};

struct tls_hello_limits {
	size_t message_max;  /* bytes of a hello; default 65536 */
	unsigned record_max; /* records looked at before giving up; default 64 */
};

struct tls_hello {
	enum tls_hello_status status;
	const char *reason; /* static, for people; NULL while there is none */

	/* With TLS_HELLO_DONE. */
	bool is_server; /* a ServerHello */
	uint8_t random[TLS_RANDOM_LEN];
	/* Of a client: those it offers, GREASE left out, in its order (the one of its head when it
	 * has no list). Of a server: versions[0] is the chosen one. */
	uint16_t versions[TLS_VERSION_MAX];
	size_t version_cnt;
	/* What ALPN offers, or the server chose (in TLS 1.3 that is encrypted); see
	 * tls_hello_alpn_next(). What does not fit is left out, whole names at a time. */
	uint8_t alpn[TLS_ALPN_MAX];
	size_t alpn_len;

	/* Of a client: SNI; "" when it names none, or none that is printable ASCII. */
	char server_name[TLS_SERVER_NAME_MAX];
	/* It sends an encrypted hello, too (or pretends to): server_name may be that of a front. */
	bool has_encrypted_hello;

	/* Of a server. */
	uint16_t cipher;
	/* It first asked for another ClientHello. Until its true hello comes (status MORE), cipher
	 * and versions are known, but the random is not its own. */
	bool retried;

	/* The parser's own. */
	struct tls_hello_limits limits;
	struct buf message; /* handshake bytes so far */
	uint8_t head[5];    /* of a record */
	size_t head_len;    /* of that, bytes so far */
	size_t record_left; /* bytes */
	unsigned record_cnt;
};

/* `limits` is copied; NULL, or a 0 in it: the defaults. */
void tls_hello_init(struct tls_hello *h, const struct tls_hello_limits *limits);
void tls_hello_done(struct tls_hello *h);

/* Returns h->status. Once it is not MORE, bytes are ignored. */
enum tls_hello_status tls_hello_feed(struct tls_hello *h, const void *data, size_t len);
/* Bytes are missing here. */
enum tls_hello_status tls_hello_gap(struct tls_hello *h);

/* Cuts the next name off `rest`, which begins as h->alpn and h->alpn_len. False: no more. */
bool tls_hello_alpn_next(struct str *rest, struct str *ret);

#endif

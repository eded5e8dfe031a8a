/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first byte: 0 for the usual limits, else tight ones, and the size of the pieces that the rest
 * is fed in the second time. Both times must come to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct tls_hello *h, const struct tls_hello_limits *limits, const uint8_t *data,
		 size_t size, size_t piece)
{
	tls_hello_init(h, limits);
	for (size_t at = 0; at < size; at += piece)
		tls_hello_feed(h, data + at, size - at < piece ? size - at : piece);
}

static bool is_same(const struct tls_hello *a, const struct tls_hello *b)
{
	return a->status == b->status && a->reason == b->reason && a->is_server == b->is_server &&
	       a->cipher == b->cipher && a->retried == b->retried &&
	       a->has_encrypted_hello == b->has_encrypted_hello &&
	       a->version_cnt == b->version_cnt && a->alpn_len == b->alpn_len &&
	       !memcmp(a->versions, b->versions, sizeof(a->versions)) &&
	       !memcmp(a->alpn, b->alpn, sizeof(a->alpn)) &&
	       !memcmp(a->random, b->random, sizeof(a->random)) &&
	       !strcmp(a->server_name, b->server_name);
}

static bool is_sound(const struct tls_hello *h)
{
	struct str rest = str_make(h->alpn, h->alpn_len), name;

	while (tls_hello_alpn_next(&rest, &name))
		if (!name.len)
			return false;
	for (const char *c = h->server_name; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	if (h->status == TLS_HELLO_DONE && (!h->version_cnt || h->reason))
		return false;
	return !rest.len && (h->status <= TLS_HELLO_DONE || h->reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tls_hello_limits tight = { .message_max = 100, .record_max = 3 };
	struct tls_hello whole, pieces;

	if (size < 2)
		return 0;
	feed(&whole, data[0] ? &tight : NULL, data + 1, size - 1, size);
	feed(&pieces, data[0] ? &tight : NULL, data + 1, size - 1, data[0] ? data[0] : 1);
	if (!is_same(&whole, &pieces) || !is_sound(&whole))
		abort();
	tls_hello_done(&whole);
	tls_hello_done(&pieces);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TLS test programs share: contexts, an identity made in memory, digests, both APIs. */
#ifndef PLAINTAP_TESTS_TLS_UTIL_H
#define PLAINTAP_TESTS_TLS_UTIL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The test programs end at the first thing that goes wrong: message on stderr, exit status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);
/* The same, with OpenSSL's own reason. */
__attribute__((noreturn)) void die_tls(const char *what);

/* With a fresh EC P-256 key and a self-signed certificate for localhost and 127.0.0.1. */
SSL_CTX *tls_server_ctx_new(void);
/* Accepts any certificate. */
SSL_CTX *tls_client_ctx_new(void);
/* "1.2" or "1.3", and no other. */
void tls_ctx_set_version(SSL_CTX *ctx, const char *version);
/* Writes DIR/cert.pem and DIR/key.pem (0600), for servers that read files. */
void tls_identity_save(SSL_CTX *ctx, const char *dir);

/* Which pair of functions carries the bytes. */
enum tls_api { TLS_API_PLAIN, TLS_API_EX };

/*
 * One call. Returns the bytes moved (> 0); 0 for a write of nothing that succeeded; -1 when it has
 * to be tried again (ret_want is then POLLIN or POLLOUT); -2 at the end of the stream or an error.
 */
int64_t tls_write_once(SSL *ssl, enum tls_api api, const void *p, size_t len, short *ret_want);
int64_t tls_read_once(SSL *ssl, enum tls_api api, void *p, size_t len, short *ret_want);

/* Length and SHA-256 of what passed. */
struct tally;

enum { TALLY_HEX_SIZE = 65 };

struct tally *tally_new(void);
void tally_free(struct tally *t);
void tally_add(struct tally *t, const void *p, size_t len);
uint64_t tally_bytes(const struct tally *t);
/* Once, at the end. */
void tally_finish(struct tally *t, char ret_hex[TALLY_HEX_SIZE]);

#endif

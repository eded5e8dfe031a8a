// SPDX-License-Identifier: BSD-2-Clause
#include "tls_util.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void die_tls(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* EVP_EC_gen() would be shorter, but OpenSSL 1.1 lacks it. */
static EVP_PKEY *make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_keygen_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1) <= 0 ||
	    EVP_PKEY_keygen(ctx, &key) <= 0)
		die_tls("making a key");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void add_names(X509 *cert)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
						  "DNS:localhost,IP:127.0.0.1");

	if (!ext || X509_add_ext(cert, ext, -1) != 1)
		die_tls("naming the certificate");
	X509_EXTENSION_free(ext);
}

static X509 *make_cert(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	if (!cert)
		die_tls("making a certificate");
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
	X509_set_pubkey(cert, key);
	name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1,
				   -1, 0);
	X509_set_issuer_name(cert, name);
	add_names(cert);
	if (!X509_sign(cert, key, EVP_sha256()))
		die_tls("signing the certificate");
	return cert;
}

SSL_CTX *tls_server_ctx_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = make_key();
	X509 *cert = make_cert(key);

	if (!ctx || SSL_CTX_use_certificate(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		die_tls("making the server's context");
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

SSL_CTX *tls_client_ctx_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx)
		die_tls("making the client's context");
	return ctx;
}

void tls_ctx_set_version(SSL_CTX *ctx, const char *version)
{
	int number = strcmp(version, "1.2") == 0   ? TLS1_2_VERSION
		     : strcmp(version, "1.3") == 0 ? TLS1_3_VERSION
						   : 0;

	if (!number)
		die("TLS version '%s': 1.2 or 1.3 is known", version);
	SSL_CTX_set_min_proto_version(ctx, number);
	SSL_CTX_set_max_proto_version(ctx, number);
}

static FILE *create_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		die("%s: %m", path);
	return f;
}

void tls_identity_save(SSL_CTX *ctx, const char *dir)
{
	FILE *cert = create_file(dir, "cert.pem");
	FILE *key = create_file(dir, "key.pem");
	bool good = PEM_write_X509(cert, SSL_CTX_get0_certificate(ctx)) == 1 &&
		    PEM_write_PrivateKey(key, SSL_CTX_get0_privatekey(ctx), NULL, NULL, 0, NULL,
					 NULL) == 1;

	if (fclose(cert) || fclose(key) || !good)
		die_tls("writing the certificate");
}

static int64_t why_not(SSL *ssl, int r, short *ret_want)
{
	switch (SSL_get_error(ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*ret_want = POLLIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*ret_want = POLLOUT;
		return -1;
	default:
		return -2;
	}
}

int64_t tls_write_once(SSL *ssl, enum tls_api api, const void *p, size_t len, short *ret_want)
{
	size_t done = 0;
	int r;

	ERR_clear_error();
	if (api == TLS_API_EX) {
		r = SSL_write_ex(ssl, p, len, &done);
		return r == 1 ? (int64_t)done : why_not(ssl, r, ret_want);
	}
	r = SSL_write(ssl, p, (int)len);
	if (r > 0 || (r == 0 && !len))
		return r;
	return why_not(ssl, r, ret_want);
}

int64_t tls_read_once(SSL *ssl, enum tls_api api, void *p, size_t len, short *ret_want)
{
	size_t done = 0;
	int r;

	ERR_clear_error();
	if (api == TLS_API_EX) {
		r = SSL_read_ex(ssl, p, len, &done);
		return r == 1 ? (int64_t)done : why_not(ssl, r, ret_want);
	}
	r = SSL_read(ssl, p, (int)len);
	return r > 0 ? r : why_not(ssl, r, ret_want);
}

struct tally {
	EVP_MD_CTX *md;
	uint64_t bytes;
};

struct tally *tally_new(void)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (!t)
		die("no memory");
	t->md = EVP_MD_CTX_new();
	if (!t->md || EVP_DigestInit_ex(t->md, EVP_sha256(), NULL) != 1)
		die_tls("starting a digest");
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	EVP_MD_CTX_free(t->md);
	free(t);
}

void tally_add(struct tally *t, const void *p, size_t len)
{
	EVP_DigestUpdate(t->md, p, len);
	t->bytes += len;
}

uint64_t tally_bytes(const struct tally *t)
{
	return t->bytes;
}

void tally_finish(struct tally *t, char ret_hex[TALLY_HEX_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	EVP_DigestFinal_ex(t->md, digest, &len);
	for (unsigned i = 0; i < len && i < (TALLY_HEX_SIZE - 1) / 2; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

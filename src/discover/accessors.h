/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads out of the code of a TLS library's own functions where its objects keep their fields. All
 * that is compiled in is the names and the meaning of public functions; every version of the
 * library answers for itself. A place is taken when every way through the function agrees on it,
 * and a second function (a setter, one that copies) does too, where there is one.
 */
#ifndef PLAINTAP_DISCOVER_ACCESSORS_H
#define PLAINTAP_DISCOVER_ACCESSORS_H

#include <stdint.h>

#include "model/tls_layout.h"

struct code;
struct elf_file;

enum accessor {
	ACCESSOR_SSL_GET_RBIO,
	ACCESSOR_SSL_SET0_RBIO,
	ACCESSOR_SSL_GET_WBIO,
	ACCESSOR_SSL_SET0_WBIO,
	ACCESSOR_SSL_VERSION,
	ACCESSOR_SSL_IS_SERVER,
	ACCESSOR_SSL_GET0_ALPN_SELECTED,
	ACCESSOR_SSL_GET_CURRENT_CIPHER,
	ACCESSOR_SSL_GET_SESSION,
	ACCESSOR_SSL_SESSION_GET0_CIPHER,
	ACCESSOR_SSL_SESSION_GET0_HOSTNAME,
	ACCESSOR_SSL_GET_SERVERNAME,
	ACCESSOR_SSL_CIPHER_GET_ID,
	ACCESSOR_BIO_METHOD_TYPE,
	ACCESSOR_BIO_METHOD_NAME,
	ACCESSOR_BIO_GET_INIT,
	ACCESSOR_BIO_SET_INIT,
	ACCESSOR_BIO_GET_RETRY_REASON,
	ACCESSOR_BIO_SET_RETRY_REASON,
	ACCESSOR_BIO_DUP_CHAIN,
	ACCESSOR_BIO_NEXT,
	ACCESSOR_BIO_SET_NEXT,
	ACCESSOR_BIO_GET_DATA,
	ACCESSOR_BIO_SET_DATA,
	ACCESSOR_SSL_GET_CLIENT_RANDOM,
	ACCESSOR_SSL_GET_SERVER_RANDOM,
	ACCESSOR_SSL_GET_SHUTDOWN,
	ACCESSOR_SSL_SET_SHUTDOWN,
	ACCESSOR_SSL_GET_QUIET_SHUTDOWN,
	ACCESSOR_SSL_SET_QUIET_SHUTDOWN,
	ACCESSOR_SSL_IN_INIT,
	ACCESSOR_CNT,
};

struct accessor_function {
	uint64_t vaddr, size; /* size 0: there is none */
};

const char *accessor_name(enum accessor a);

/* Nothing is known yet. */
void accessors_init(struct tls_layout *layout);

/*
 * Fills the places that are not known yet and that these functions tell. Those of libssl are in
 * one file, those of libcrypto in another or the same: call it for each. Never fails: what cannot
 * be read has a reason.
 */
void accessors_read(struct code *c, const struct accessor_function functions[ACCESSOR_CNT],
		    struct tls_layout *layout);

/* The same for the exported functions of a file. */
void accessors_read_file(struct elf_file *elf, struct tls_layout *layout);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the numbers that TLS has on the wire; a number without one is written as "0x1a2b". */
#ifndef PLAINTAP_MODEL_TLS_NAMES_H
#define PLAINTAP_MODEL_TLS_NAMES_H

#include <stdint.h>

enum { TLS_NAME_MAX = 64 };

/* "TLS_AES_128_GCM_SHA256": IANA's name of a cipher suite. */
void tls_cipher_name(uint16_t number, char ret[TLS_NAME_MAX]);
/* "TLS 1.3", "DTLS 1.2". */
void tls_version_name(uint16_t number, char ret[TLS_NAME_MAX]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_TESTS_FAKE_OBJECT_H
#define PLAINTAP_TESTS_FAKE_OBJECT_H

#include <stdint.h>

/* A BIO and its method, a cipher, and a connection object, as a library might lay them out. */
struct fake_method {
	uint32_t type;
};

struct fake_bio {
	uint64_t pad;
	struct fake_method *method;
	uint32_t init, num;
	struct fake_bio *next;
};

struct fake_session {
	uint64_t pad[2];
	uint8_t *cipher;
	const char *name;
};

struct fake_ssl {
	uint32_t type, version;
	struct fake_bio *rbio, *wbio;
	uint32_t is_server, alpn_len;
	const void *alpn;
	struct fake_session *session;
	const char *server_name;
	uint8_t client_random[32];
	struct fake_more *more;
};

struct fake_more {
	uint64_t pad;
	uint8_t server_random[32];
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Who a connection is, as far as the source knows it; comes before its first bytes. */
#ifndef PLAINTAP_MODEL_CONN_INFO_H
#define PLAINTAP_MODEL_CONN_INFO_H

#include <stdint.h>
#include <sys/types.h>

#include "connection.h"

enum {
	CONN_ADDRESS_MAX = 120, /* with NUL */
	CONN_ALPN_MAX = 65,
	CONN_SNI_MAX = 256,
	CONN_TLS_NAME_MAX = 64,
};

/* What the filters of connections say; without any it stays CONN_UNJUDGED. */
enum conn_verdict { CONN_UNJUDGED, CONN_LET_IN, CONN_KEPT_OUT };

/* Texts are as struct connection has them; "": not known. */
struct conn_info {
	uint64_t conn_key; /* and the next four: as of the chunks that follow */
	pid_t pid;
	pid_t tid;
	uint32_t library;
	uint64_t ts_ns;
	enum conn_role role;
	enum conn_verdict verdict;
	char local[CONN_ADDRESS_MAX];
	char remote[CONN_ADDRESS_MAX];
	char version[CONN_TLS_NAME_MAX];
	char cipher[CONN_TLS_NAME_MAX];
	char sni[CONN_SNI_MAX];
	char alpn[CONN_ALPN_MAX];
};

#endif

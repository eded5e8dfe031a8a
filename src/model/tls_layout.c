// SPDX-License-Identifier: BSD-2-Clause
#include "tls_layout.h"

const char *tls_field_name(enum tls_field field)
{
	static const char *const names[TLS_FIELD_CNT] = {
		[TLS_FIELD_RBIO] = "rbio",
		[TLS_FIELD_WBIO] = "wbio",
		[TLS_FIELD_VERSION] = "version",
		[TLS_FIELD_IS_SERVER] = "is_server",
		[TLS_FIELD_ALPN] = "alpn",
		[TLS_FIELD_ALPN_LEN] = "alpn_len",
		[TLS_FIELD_CIPHER] = "cipher",
		[TLS_FIELD_SERVER_NAME] = "server_name",
		[TLS_FIELD_SESSION_NAME] = "session_name",
		[TLS_FIELD_CIPHER_ID] = "cipher_id",
		[TLS_FIELD_BIO_TYPE] = "bio_type",
		[TLS_FIELD_BIO_INIT] = "bio_init",
		[TLS_FIELD_BIO_NUM] = "bio_num",
		[TLS_FIELD_BIO_NEXT] = "bio_next",
		[TLS_FIELD_BIO_DATA] = "bio_data",
		[TLS_FIELD_CLIENT_RANDOM] = "client_random",
		[TLS_FIELD_SERVER_RANDOM] = "server_random",
		[TLS_FIELD_SHUTDOWN] = "shutdown",
		[TLS_FIELD_QUIET_SHUTDOWN] = "quiet_shutdown",
		[TLS_FIELD_IN_INIT] = "in_init",
	};

	return (unsigned)field < TLS_FIELD_CNT ? names[field] : "?";
}

// SPDX-License-Identifier: BSD-2-Clause
#include "accessors.h"

const char *accessor_name(enum accessor a)
{
	static const char *const names[ACCESSOR_CNT] = {
		[ACCESSOR_SSL_GET_RBIO] = "SSL_get_rbio",
		[ACCESSOR_SSL_SET0_RBIO] = "SSL_set0_rbio",
		[ACCESSOR_SSL_GET_WBIO] = "SSL_get_wbio",
		[ACCESSOR_SSL_SET0_WBIO] = "SSL_set0_wbio",
		[ACCESSOR_SSL_VERSION] = "SSL_version",
		[ACCESSOR_SSL_IS_SERVER] = "SSL_is_server",
		[ACCESSOR_SSL_GET0_ALPN_SELECTED] = "SSL_get0_alpn_selected",
		[ACCESSOR_SSL_GET_CURRENT_CIPHER] = "SSL_get_current_cipher",
		[ACCESSOR_SSL_GET_SESSION] = "SSL_get_session",
		[ACCESSOR_SSL_SESSION_GET0_CIPHER] = "SSL_SESSION_get0_cipher",
		[ACCESSOR_SSL_SESSION_GET0_HOSTNAME] = "SSL_SESSION_get0_hostname",
		[ACCESSOR_SSL_GET_SERVERNAME] = "SSL_get_servername",
		[ACCESSOR_SSL_CIPHER_GET_ID] = "SSL_CIPHER_get_id",
		[ACCESSOR_BIO_METHOD_TYPE] = "BIO_method_type",
		[ACCESSOR_BIO_METHOD_NAME] = "BIO_method_name",
		[ACCESSOR_BIO_GET_INIT] = "BIO_get_init",
		[ACCESSOR_BIO_SET_INIT] = "BIO_set_init",
		[ACCESSOR_BIO_GET_RETRY_REASON] = "BIO_get_retry_reason",
		[ACCESSOR_BIO_SET_RETRY_REASON] = "BIO_set_retry_reason",
		[ACCESSOR_BIO_DUP_CHAIN] = "BIO_dup_chain",
		[ACCESSOR_BIO_NEXT] = "BIO_next",
		[ACCESSOR_BIO_SET_NEXT] = "BIO_set_next",
		[ACCESSOR_BIO_GET_DATA] = "BIO_get_data",
		[ACCESSOR_BIO_SET_DATA] = "BIO_set_data",
		[ACCESSOR_SSL_GET_CLIENT_RANDOM] = "SSL_get_client_random",
		[ACCESSOR_SSL_GET_SERVER_RANDOM] = "SSL_get_server_random",
		[ACCESSOR_SSL_GET_SHUTDOWN] = "SSL_get_shutdown",
		[ACCESSOR_SSL_SET_SHUTDOWN] = "SSL_set_shutdown",
		[ACCESSOR_SSL_GET_QUIET_SHUTDOWN] = "SSL_get_quiet_shutdown",
		[ACCESSOR_SSL_SET_QUIET_SHUTDOWN] = "SSL_set_quiet_shutdown",
		[ACCESSOR_SSL_IN_INIT] = "SSL_in_init",
	};

	return (unsigned)a < ACCESSOR_CNT ? names[a] : "?";
}

// SPDX-License-Identifier: BSD-2-Clause
#include "conn_info_record.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "model/tls_names.h"

_Static_assert((int)CONN_ALPN_MAX > (int)REC_ALPN_MAX, "with NUL");
_Static_assert((int)CONN_SNI_MAX == (int)REC_SERVER_NAME_MAX, "the same");
_Static_assert((int)CONN_TLS_NAME_MAX == (int)TLS_NAME_MAX, "the same");
_Static_assert(CONN_ADDRESS_MAX >= sizeof("unix:@") + REC_UNIX_PATH_MAX, "fits");

static bool address_is_valid(const struct rec_address *a)
{
	switch (a->family) {
	case AF_UNSPEC:
		return true;
	case AF_INET:
		return a->len == 4;
	case AF_INET6:
		return a->len == 16;
	case AF_UNIX:
		return a->len <= REC_UNIX_PATH_MAX;
	default:
		return false;
	}
}

/* An abstract name has a NUL in front, and may have more; they are shown as @. */
static void write_unix(const struct rec_address *a, char ret[CONN_ADDRESS_MAX])
{
	bool is_abstract = a->len && !a->bytes[0];
	size_t at = (size_t)snprintf(ret, CONN_ADDRESS_MAX, "unix:");

	for (size_t i = 0; i < a->len && (a->bytes[i] || is_abstract); i++)
		ret[at++] = a->bytes[i] ? (char)a->bytes[i] : '@';
	ret[at] = '\0';
}

/* An IPv4 peer of an IPv6 socket is written as what it is. */
static void write_address(const struct rec_address *a, char ret[CONN_ADDRESS_MAX])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_mapped = a->family == AF_INET6 && !memcmp(a->bytes, mapped, sizeof(mapped));
	char text[INET6_ADDRSTRLEN] = "";

	ret[0] = '\0';
	if (a->family == AF_UNIX) {
		write_unix(a, ret);
	} else if (a->family == AF_INET || is_mapped) {
		inet_ntop(AF_INET, a->bytes + (is_mapped ? sizeof(mapped) : 0), text, sizeof(text));
		snprintf(ret, CONN_ADDRESS_MAX, "%s:%u", text, a->port);
	} else if (a->family == AF_INET6) {
		inet_ntop(AF_INET6, a->bytes, text, sizeof(text));
		snprintf(ret, CONN_ADDRESS_MAX, "[%s]:%u", text, a->port);
	}
}

static bool is_valid(const struct rec_conn_info *r)
{
	return r->head.size == sizeof(*r) && r->pid && r->alpn_len <= REC_ALPN_MAX &&
	       !r->server_name[REC_SERVER_NAME_MAX - 1] && address_is_valid(&r->local) &&
	       address_is_valid(&r->remote);
}

bool conn_info_record_read(const struct rec_conn_info *r, struct conn_info *ret)
{
	if (!is_valid(r))
		return false;
	*ret = (struct conn_info){
		.conn_key = r->conn,
		.pid = (pid_t)r->pid,
		.tid = (pid_t)r->tid,
		.library = r->target,
	};
	if (r->known & CONN_IS_KEPT_OUT)
		ret->verdict = CONN_KEPT_OUT;
	else if (r->known & CONN_IS_LET_IN)
		ret->verdict = CONN_LET_IN;
	if (r->known & CONN_KNOWS_ROLE)
		ret->role = r->is_server ? CONN_ROLE_SERVER : CONN_ROLE_CLIENT;
	if (r->known & CONN_KNOWS_VERSION)
		tls_version_name(r->version, ret->version);
	if (r->known & CONN_KNOWS_CIPHER)
		tls_cipher_name(r->cipher, ret->cipher);
	if (r->known & CONN_KNOWS_ALPN)
		memcpy(ret->alpn, r->alpn, r->alpn_len);
	if (r->known & CONN_KNOWS_SERVER_NAME)
		snprintf(ret->sni, sizeof(ret->sni), "%s", (const char *)r->server_name);
	write_address(&r->local, ret->local);
	write_address(&r->remote, ret->remote);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Connected sockets for tests, and their two ends as the sockets API says them. */
#ifndef PLAINTAP_TESTS_SOCKET_ENDS_H
#define PLAINTAP_TESTS_SOCKET_ENDS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_record.h"

struct ends {
	struct rec_address local, remote;
};

/* As the sockets API says it. */
static bool is_address(const struct rec_address *a, const struct sockaddr_storage *s)
{
	const struct sockaddr_in *v4 = (const void *)s;
	const struct sockaddr_in6 *v6 = (const void *)s;

	if (a->family != s->ss_family)
		return false;
	if (a->family == AF_INET)
		return a->len == 4 && a->port == ntohs(v4->sin_port) &&
		       !memcmp(a->bytes, &v4->sin_addr, 4);
	return a->len == 16 && a->port == ntohs(v6->sin6_port) &&
	       !memcmp(a->bytes, &v6->sin6_addr, 16);
}

__attribute__((unused)) static bool are_ends(const struct ends *e, int fd)
{
	struct sockaddr_storage local = { 0 }, remote = { 0 };
	socklen_t local_len = sizeof(local), remote_len = sizeof(remote);

	if (getsockname(fd, (struct sockaddr *)&local, &local_len) ||
	    getpeername(fd, (struct sockaddr *)&remote, &remote_len))
		abort();
	return is_address(&e->local, &local) && is_address(&e->remote, &remote);
}

/* The connecting and the accepting end. False: this machine has no such addresses. */
static bool connect_pair(const struct sockaddr *to, socklen_t len, int ret[2])
{
	struct sockaddr_storage bound = { 0 };
	socklen_t bound_len = sizeof(bound);
	int listener = socket(to->sa_family, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, to, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&bound, &bound_len)) {
		close(listener);
		return false;
	}
	ret[0] = socket(to->sa_family, SOCK_STREAM, 0);
	if (connect(ret[0], (struct sockaddr *)&bound, bound_len))
		abort();
	ret[1] = accept(listener, NULL, NULL);
	close(listener);
	return true;
}

__attribute__((unused)) static bool connect_v4(int ret[2])
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect_pair((struct sockaddr *)&to, sizeof(to), ret);
}

#endif

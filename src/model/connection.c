// SPDX-License-Identifier: BSD-2-Clause
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "conn_info.h"
#include "process.h"

struct connection *connection_new(uint64_t key, struct process *process)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->key = key;
	c->process = process_ref(process);
	return c;
}

struct connection *connection_ref(struct connection *c)
{
	c->refs++;
	return c;
}

static int learn(char **field, const char *text)
{
	if (*field || !text[0])
		return 0;
	*field = strdup(text);
	return *field ? 0 : -ENOMEM;
}

int connection_describe(struct connection *c, const struct conn_info *info)
{
	int failed = 0;

	if (c->role == CONN_ROLE_UNKNOWN)
		c->role = info->role;
	/* Both ends are of one socket: an end that is not known stays so. */
	if (!c->local && !c->remote) {
		failed |= learn(&c->local, info->local);
		failed |= learn(&c->remote, info->remote);
	}
	failed |= learn(&c->tls_version, info->version);
	failed |= learn(&c->tls_cipher, info->cipher);
	failed |= learn(&c->sni, info->sni);
	failed |= learn(&c->alpn, info->alpn);
	return failed;
}

void connection_unref(struct connection *c)
{
	if (!c || --c->refs)
		return;
	process_unref(c->process);
	free(c->local);
	free(c->remote);
	free(c->tls_version);
	free(c->tls_cipher);
	free(c->sni);
	free(c->alpn);
	free(c->library);
	free(c->library_version);
	free(c);
}

const char *conn_role_name(enum conn_role role)
{
	switch (role) {
	case CONN_ROLE_CLIENT:
		return "client";
	case CONN_ROLE_SERVER:
		return "server";
	case CONN_ROLE_UNKNOWN:
		break;
	}
	return NULL;
}

const char *conn_end_name(enum conn_end end)
{
	switch (end) {
	case CONN_END_FREED:
		return "freed";
	case CONN_END_PROCESS:
		return "process_ended";
	case CONN_END_CAPTURE:
		return "capture_ended";
	case CONN_OPEN:
		break;
	}
	return "open";
}

static const char *process_end_name(int status)
{
	if (status == CONN_STATUS_EXECUTED)
		return "process_executed";
	return WIFSIGNALED(status) ? "process_killed" : "process_exited";
}

/* Only what is proven: programs may have read the error of a socket before anybody looked. */
static const char *broken_name(const struct conn_ending *e)
{
	if (e->socket_error == ETIMEDOUT)
		return "timeout";
	if (e->reset_sent)
		return "reset_sent";
	return e->socket_error == ECONNRESET ? "reset" : "broken";
}

/* What the peer has said counts most, then what became of the socket, then our own word. */
const char *conn_how_name(const struct connection *c)
{
	const struct conn_ending *e = &c->ending;

	if (c->end == CONN_OPEN || c->end == CONN_END_CAPTURE)
		return "open";
	if (e->notify_received == CONN_NOTIFY_YES)
		return "close_notify";
	if (e->broken)
		return broken_name(e);
	if (e->notify_sent == CONN_NOTIFY_YES && !e->failed)
		return "close_notify";
	if (e->peer_closed)
		return "eof";
	if (e->failed)
		return "error";
	if (c->end == CONN_END_PROCESS)
		return process_end_name(e->status);
	/* Closing a socket with unread bytes does it, too, so it says less than all of the above.
	 */
	if (e->reset_sent)
		return "reset_sent";
	return e->cleared ? "replaced" : "freed";
}

// SPDX-License-Identifier: BSD-2-Clause
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct target *target_new(enum target_kind kind, const char *path)
{
	struct target *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->kind = kind;
	t->fd = -1;
	t->path = strdup(path);
	if (!t->path) {
		free(t);
		return NULL;
	}
	return t;
}

void target_free(struct target *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t->path);
	free(t);
}

const char *target_kind_name(enum target_kind kind)
{
	switch (kind) {
	case TARGET_OPENSSL:
		return "OpenSSL";
	case TARGET_KIND_CNT:
		break;
	}
	return "unknown";
}

const char *probe_role_name(enum probe_role role)
{
	switch (role) {
	case PROBE_READ:
		return "read";
	case PROBE_WRITE:
		return "write";
	case PROBE_FREE:
		return "free";
	case PROBE_CLEAR:
		return "clear";
	case PROBE_SENDFILE:
		return "sendfile";
	case PROBE_SHUTDOWN:
		return "shutdown";
	case PROBE_SET_BIO:
		return "set_bio";
	}
	return "unknown";
}

bool probe_role_moves_bytes(enum probe_role role)
{
	return role == PROBE_READ || role == PROBE_WRITE || role == PROBE_SENDFILE;
}

const char *probe_cost_name(enum probe_cost cost)
{
	switch (cost) {
	case PROBE_COST_EMULATED:
		return "emulated";
	case PROBE_COST_SINGLE_STEPPED:
		return "single-stepped";
	case PROBE_COST_UNKNOWN:
		break;
	}
	return "unknown";
}

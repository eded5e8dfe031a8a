// SPDX-License-Identifier: BSD-2-Clause
#include "opaque.h"

#include <stdlib.h>

struct proto {
	const struct message_ops *events;
	void *user;
};

static enum proto_match opaque_probe(const uint8_t *data, size_t len)
{
	return PROTO_YES;
}

static struct proto *opaque_open(const struct message_ops *events, void *user)
{
	struct proto *p = malloc(sizeof(*p));

	if (p)
		*p = (struct proto){ events, user };
	return p;
}

static void opaque_feed(struct proto *p, enum dir dir, uint64_t off, const uint8_t *data,
			size_t len, uint64_t ts_ns)
{
	if (len)
		p->events->opaque(p->user, dir, off, data, len, ts_ns);
}

static void opaque_gap(struct proto *p, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
		       uint64_t ts_ns)
{
	p->events->opaque_gap(p->user, dir, off, len, causes, ts_ns);
}

static void opaque_end(struct proto *p, enum dir dir, bool closed, uint64_t ts_ns)
{
}

static void opaque_close(struct proto *p)
{
	free(p);
}

const struct proto_ops proto_opaque = {
	.name = "opaque",
	.probe = opaque_probe,
	.open = opaque_open,
	.feed = opaque_feed,
	.gap = opaque_gap,
	.end = opaque_end,
	.close = opaque_close,
};

// SPDX-License-Identifier: BSD-2-Clause
#include "conn.h"

#include <string.h>

#include "model/counters.h"
#include "stream.h"

static const struct proto_ops *fallback(const struct conn *c)
{
	return c->config->protos[c->config->proto_cnt - 1];
}

/*
 * Asks each protocol in turn. NULL with *ret_wait: one of them wants more bytes first; the fallback
 * says yes to anything.
 */
static const struct proto_ops *sniff(const struct conn *c, const uint8_t *data, size_t len,
				     bool *ret_wait)
{
	*ret_wait = false;
	if (len > PROTO_PROBE_MAX)
		len = PROTO_PROBE_MAX;
	for (size_t i = 0; i < c->config->proto_cnt; i++) {
		switch (c->config->protos[i]->probe(data, len)) {
		case PROTO_YES:
			return c->config->protos[i];
		case PROTO_MAYBE:
			*ret_wait = true;
			return NULL;
		case PROTO_NO:
			break;
		}
	}
	return fallback(c);
}

static void feed_held(struct conn *c, enum dir dir)
{
	struct held *h = &c->held[dir];

	if (h->len && c->proto)
		c->proto_ops->feed(c->proto, dir, h->off, h->data, h->len, h->ts_ns);
	h->len = 0;
}

static void feed_all_held(struct conn *c)
{
	feed_held(c, c->first_held);
	feed_held(c, dir_other(c->first_held));
}

/* From now on `ops` reads this connection (perhaps as before); what was held goes to it first. */
static void choose(struct conn *c, const struct proto_ops *ops)
{
	if (c->proto_ops != ops) {
		if (c->proto_ops)
			c->proto_ops->close(c->proto);
		c->proto_ops = ops;
		c->proto = ops->open(c->config->messages, c->listener);
		if (!c->proto)
			c->config->counters->exchange.no_memory++;
	}
	c->may_resniff = false;
	feed_all_held(c);
}

static void hold(struct conn *c, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		 uint64_t ts_ns)
{
	struct held *h = &c->held[dir];

	if (!h->len) {
		h->off = off;
		h->ts_ns = ts_ns;
		if (!c->held[dir_other(dir)].len)
			c->first_held = dir;
	}
	memcpy(h->data + h->len, data, len);
	h->len += len;
}

/*
 * Undecided, or opaque and perhaps about to be more: holds bytes until a protocol is sure. Returns
 * how many of `data` were taken; the rest is then for the chosen protocol.
 */
static size_t sniff_undecided(struct conn *c, enum dir dir, uint64_t off, const uint8_t *data,
			      size_t len, uint64_t ts_ns)
{
	struct held *h = &c->held[dir];
	const struct proto_ops *found;
	size_t taken = 0;
	bool wait;

	if (!h->len) {
		found = sniff(c, data, len, &wait);
	} else {
		taken = sizeof(h->data) - h->len < len ? sizeof(h->data) - h->len : len;
		hold(c, dir, off, data, taken, ts_ns);
		found = sniff(c, h->data, h->len, &wait);
	}
	if (!wait) {
		choose(c, found);
		return taken;
	}
	if (taken < len && len - taken <= sizeof(h->data) - h->len) {
		hold(c, dir, off + taken, data + taken, len - taken, ts_ns);
		return len;
	}
	if (taken == len)
		return len;
	/* A protocol that cannot decide from the most it may ask for is not it. */
	choose(c, fallback(c));
	return taken;
}

void conn_feed(struct conn *c, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
	       uint64_t ts_ns)
{
	if (c->proto_ops == fallback(c) && dir != c->last_dir) {
		feed_all_held(c);
		c->may_resniff = true;
	}
	c->last_dir = dir;
	if (!c->proto_ops || c->may_resniff) {
		size_t taken = sniff_undecided(c, dir, off, data, len, ts_ns);

		off += taken;
		data += taken;
		len -= taken;
	}
	if (len && c->proto)
		c->proto_ops->feed(c->proto, dir, off, data, len, ts_ns);
}

void conn_gap(struct conn *c, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
	      uint64_t ts_ns)
{
	if (!c->proto_ops)
		choose(c, fallback(c));
	feed_all_held(c);
	c->may_resniff = c->proto_ops == fallback(c);
	if (c->proto)
		c->proto_ops->gap(c->proto, dir, off, len, causes, ts_ns);
}

void conn_finish(struct conn *c, bool closed, uint64_t ts_ns)
{
	if (!c->proto_ops && (c->held[DIR_SENT].len || c->held[DIR_RECEIVED].len))
		choose(c, fallback(c));
	feed_all_held(c);
	if (!c->proto)
		return;
	c->proto_ops->end(c->proto, DIR_SENT, closed, ts_ns);
	c->proto_ops->end(c->proto, DIR_RECEIVED, closed, ts_ns);
}

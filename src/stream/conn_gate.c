// SPDX-License-Identifier: BSD-2-Clause
#include "conn_gate.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "model/conn_info.h"
#include "model/counters.h"
#include "stream.h"

struct held_piece {
	struct held_piece *next;
	struct chunk chunk; /* its data is that below */
	uint8_t data[];
};

struct gated {
	enum conn_verdict verdict;
	bool has_info;
	struct conn_info info;
	struct held_piece *first, **end; /* in the order of their arrival */
	size_t held_len;
	uint64_t next_off[DIR_CNT];
};

struct conn_gate {
	struct stream *stream;
	struct counters *counters;
	bool let_in_unknown;
	struct map conns; /* by conn_key: struct gated *, owned */
	size_t held_len;
};

struct conn_gate *conn_gate_new(struct stream *stream, struct counters *counters,
				bool let_in_unknown)
{
	struct conn_gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->stream = stream;
	g->counters = counters;
	g->let_in_unknown = let_in_unknown;
	map_init(&g->conns);
	return g;
}

/* NULL without memory. */
static struct gated *find_or_add(struct conn_gate *g, uint64_t key)
{
	struct gated *c = map_get(&g->conns, key);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->end = &c->first;
	if (map_put(&g->conns, key, c) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

/* Bytes up to `off` were lost of a connection that nobody wants. */
static void count_gap(struct conn_gate *g, struct gated *c, enum dir dir, uint64_t off)
{
	if (off <= c->next_off[dir])
		return;
	g->counters->stream.gap_bytes_filtered += off - c->next_off[dir];
	c->next_off[dir] = off;
}

static void drop_chunk(struct conn_gate *g, struct gated *c, const struct chunk *chunk)
{
	count_gap(g, c, chunk->dir, chunk->off);
	c->next_off[chunk->dir] += chunk->len;
	g->counters->stream.bytes_filtered += chunk->len;
}

/* What waits goes on, or away. */
static void settle(struct conn_gate *g, struct gated *c, enum conn_verdict verdict)
{
	struct held_piece *piece = c->first;

	c->verdict = verdict;
	if (verdict == CONN_LET_IN && c->has_info)
		stream_conn_info(g->stream, &c->info);
	memset(c->next_off, 0, sizeof(c->next_off));
	while (piece) {
		struct held_piece *next = piece->next;

		if (verdict == CONN_LET_IN)
			stream_chunk(g->stream, &piece->chunk);
		else
			drop_chunk(g, c, &piece->chunk);
		free(piece);
		piece = next;
	}
	g->held_len -= c->held_len;
	c->held_len = 0;
	c->first = NULL;
	c->end = &c->first;
}

static void settle_unknown(struct conn_gate *g, struct gated *c)
{
	if (!g->let_in_unknown)
		g->counters->stream.conns_filtered++;
	settle(g, c, g->let_in_unknown ? CONN_LET_IN : CONN_KEPT_OUT);
}

/* False: there is no room. */
static bool hold(struct conn_gate *g, struct gated *c, const struct chunk *chunk)
{
	struct held_piece *piece;

	if (c->held_len + chunk->len > GATE_CONN_BYTES_MAX ||
	    g->held_len + chunk->len > GATE_BYTES_MAX)
		return false;
	piece = malloc(sizeof(*piece) + chunk->len);
	if (!piece)
		return false;
	piece->next = NULL;
	piece->chunk = *chunk;
	piece->chunk.data = piece->data;
	if (chunk->len)
		memcpy(piece->data, chunk->data, chunk->len);
	*c->end = piece;
	c->end = &piece->next;
	c->held_len += chunk->len;
	g->held_len += chunk->len;
	c->next_off[chunk->dir] = chunk->off + chunk->len;
	return true;
}

void conn_gate_chunk(struct conn_gate *g, const struct chunk *chunk)
{
	struct gated *c = find_or_add(g, chunk->conn_key);

	if (!c) {
		g->counters->stream.bytes_refused += chunk->len;
		return;
	}
	if (c->verdict == CONN_UNJUDGED && !hold(g, c, chunk))
		settle_unknown(g, c);
	else if (c->verdict == CONN_UNJUDGED)
		return;
	if (c->verdict == CONN_LET_IN)
		stream_chunk(g->stream, chunk);
	else
		drop_chunk(g, c, chunk);
}

/* A later one may know the addresses, and the rest too: the stream takes what is new in each. */
void conn_gate_info(struct conn_gate *g, const struct conn_info *info)
{
	struct gated *c = find_or_add(g, info->conn_key);

	if (!c)
		return;
	if (c->verdict == CONN_UNJUDGED && info->verdict == CONN_UNJUDGED) {
		c->info = *info;
		c->has_info = true;
		return;
	}
	if (c->verdict == CONN_UNJUDGED)
		settle(g, c, info->verdict);
	if (c->verdict == CONN_LET_IN)
		stream_conn_info(g->stream, info);
}

void conn_gate_end(struct conn_gate *g, const struct chunk_end *end)
{
	struct gated *c = map_get(&g->conns, end->conn_key);

	/* Kept out from its first call on, if it had no byte; else nothing of it arrived. */
	if (!c && (end->total[DIR_SENT] || end->total[DIR_RECEIVED]))
		c = find_or_add(g, end->conn_key);
	if (!c)
		return;
	if (c->verdict == CONN_UNJUDGED)
		settle_unknown(g, c);
	if (c->verdict == CONN_LET_IN)
		stream_conn_end(g->stream, end);
	else
		for (int dir = 0; dir < DIR_CNT; dir++)
			count_gap(g, c, (enum dir)dir, end->total[dir]);
	free(map_remove(&g->conns, end->conn_key));
}

bool conn_gate_has_passed(const struct conn_gate *g, uint64_t conn_key, enum dir dir, uint64_t off)
{
	const struct gated *c = map_get(&g->conns, conn_key);

	if (c && c->verdict != CONN_LET_IN)
		return off < c->next_off[dir];
	return stream_has_passed(g->stream, conn_key, dir, off);
}

void conn_gate_free(struct conn_gate *g)
{
	size_t pos = 0;
	uint64_t key;
	void *conn;

	if (!g)
		return;
	while (map_next(&g->conns, &pos, &key, &conn)) {
		struct gated *c = conn;

		if (c->verdict == CONN_UNJUDGED)
			settle_unknown(g, c);
		free(c);
	}
	map_done(&g->conns);
	free(g);
}

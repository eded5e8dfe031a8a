// SPDX-License-Identifier: BSD-2-Clause
#include "target_use.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/chunk.h"

void target_uses_done(struct target_uses *u)
{
	free(u->items);
	*u = (struct target_uses){ 0 };
}

/* NULL without memory. Ids count from 1 without holes. */
static struct target_use *use_of(struct target_uses *u, uint32_t id)
{
	struct target_use *items;
	size_t cnt = (size_t)id + 8;

	if (id < u->cnt)
		return &u->items[id];
	items = realloc(u->items, cnt * sizeof(*items));
	if (!items)
		return NULL;
	memset(items + u->cnt, 0, (cnt - u->cnt) * sizeof(*items));
	u->items = items;
	u->cnt = cnt;
	return &u->items[id];
}

void target_uses_chunk(struct target_uses *u, const struct chunk *c)
{
	struct target_use *use = c->len ? use_of(u, c->library) : NULL;

	if (!use)
		return;
	use->pieces[c->dir]++;
	use->bytes[c->dir] += c->len;
	use->last_ns = c->ts_ns;
}

void target_uses_conn_opened(struct target_uses *u, const struct connection *c)
{
	struct target_use *use = use_of(u, c->library_id);

	if (use)
		use->connections++;
}

void target_uses_conn_closed(struct target_uses *u, const struct connection *c)
{
	struct target_use *use = use_of(u, c->library_id);

	if (use)
		use->closed++;
}

static void add(struct target_use *to, const struct target_use *from)
{
	for (int dir = 0; dir < DIR_CNT; dir++) {
		to->pieces[dir] += from->pieces[dir];
		to->bytes[dir] += from->bytes[dir];
	}
	to->connections += from->connections;
	to->closed += from->closed;
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
}

struct target_use target_uses_get(const struct target_uses *u, uint32_t id, bool is_only)
{
	struct target_use sum = { 0 };

	if (id < u->cnt)
		add(&sum, &u->items[id]);
	if (is_only && u->cnt)
		add(&sum, &u->items[0]);
	return sum;
}

void target_use_json(const struct target_use *use, struct json *j)
{
	json_object_begin(j);
	json_key_u64(j, "connections", use->connections);
	json_key_u64(j, "connections_closed", use->closed);
	json_key_u64(j, "sent_pieces", use->pieces[DIR_SENT]);
	json_key_u64(j, "sent_bytes", use->bytes[DIR_SENT]);
	json_key_u64(j, "received_pieces", use->pieces[DIR_RECEIVED]);
	json_key_u64(j, "received_bytes", use->bytes[DIR_RECEIVED]);
	json_key(j, "last");
	json_time_or_null(j, use->last_ns);
	json_object_end(j);
}

void target_use_text(const struct target_use *use, struct buf *out)
{
	if (!use->last_ns && !use->connections) {
		buf_append_str(out, "nothing came through its probes so far");
		return;
	}
	buf_printf(out, "%" PRIu64 " connections (%" PRIu64 " open), sent ", use->connections,
		   use->connections - use->closed);
	text_size(out, use->bytes[DIR_SENT]);
	buf_printf(out, " in %" PRIu64 " pieces, received ", use->pieces[DIR_SENT]);
	text_size(out, use->bytes[DIR_RECEIVED]);
	buf_printf(out, " in %" PRIu64, use->pieces[DIR_RECEIVED]);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "conn.h"
#include "model/conn_info.h"
#include "model/counters.h"
#include "model/gap.h"
#include "model/process.h"

struct stream {
	struct stream_config config;
	struct map conns;    /* by conn_key: struct conn * */
	struct map born_cnt; /* by pid: how many connections it has had, as a number in a pointer */
};

struct stream *stream_new(const struct stream_config *config)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	map_init(&s->conns);
	map_init(&s->born_cnt);
	return s;
}

static int number_in_process(struct stream *s, pid_t pid, uintptr_t *ret)
{
	uintptr_t n = (uintptr_t)map_get(&s->born_cnt, (uint64_t)pid) + 1;

	*ret = n;
	return map_put(&s->born_cnt, (uint64_t)pid, (void *)n);
}

static struct connection *describe(struct stream *s, uint64_t key, pid_t pid, pid_t tid,
				   uint32_t library, uint64_t ts_ns)
{
	struct process *process = s->config.ops->process_of(s->config.user, pid);
	const char *path = s->config.ops->library_of(s->config.user, library);
	const char *version = s->config.ops->library_version_of(s->config.user, library);
	struct connection *info;
	uintptr_t n;

	if (!process)
		return NULL;
	info = connection_new(key, process);
	process_unref(process);
	if (!info)
		return NULL;
	info->tid = tid;
	info->opened_ns = ts_ns;
	info->library_id = library;
	if (path)
		info->library = strdup(path);
	if (version)
		info->library_version = strdup(version);
	if ((path && !info->library) || (version && !info->library_version) ||
	    number_in_process(s, pid, &n) < 0) {
		connection_unref(info);
		return NULL;
	}
	snprintf(info->id, sizeof(info->id), "%d.%zu", (int)pid, (size_t)n);
	return info;
}

static void conn_free(struct conn *c)
{
	if (c->proto_ops)
		c->proto_ops->close(c->proto);
	connection_unref(c->info);
	free(c);
}

static struct conn *conn_open(struct stream *s, uint64_t key, pid_t pid, pid_t tid,
			      uint32_t library, uint64_t ts_ns)
{
	struct conn *c;

	if (s->conns.count >= s->config.conn_max)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->config = &s->config;
	c->info = describe(s, key, pid, tid, library, ts_ns);
	if (!c->info || map_put(&s->conns, key, c) < 0) {
		conn_free(c);
		return NULL;
	}
	if (s->config.ops->conn_open(s->config.user, c->info, &c->listener) < 0) {
		map_remove(&s->conns, key);
		conn_free(c);
		return NULL;
	}
	s->config.counters->stream.connections++;
	return c;
}

/* What memory is missing for stays unknown. */
void stream_conn_info(struct stream *s, const struct conn_info *info)
{
	struct conn *c = map_get(&s->conns, info->conn_key);

	if (!c)
		c = conn_open(s, info->conn_key, info->pid, info->tid, info->library, info->ts_ns);
	if (c)
		connection_describe(c->info, info);
}

static unsigned lowest_bit(unsigned causes)
{
	return (unsigned)__builtin_ctz(causes | GAP_UNKNOWN);
}

/* Bytes up to `off` are missing: tell so, with their length and why. */
static void skip_to(struct stream *s, struct conn *c, enum dir dir, uint64_t off, unsigned causes,
		    uint64_t ts_ns)
{
	uint64_t at = c->next_off[dir], len = off - at;
	struct counters *n = s->config.counters;

	if (!causes)
		causes = GAP_UNKNOWN;
	n->stream.gaps++;
	n->stream.gap_bytes += len;
	n->stream.gap_bytes_by[lowest_bit(causes)] += len;
	c->next_off[dir] = off;
	s->config.ops->gap(s->config.user, c->info, dir, at, len, causes);
	conn_gap(c, dir, at, len, causes, ts_ns);
}

bool stream_has_passed(const struct stream *s, uint64_t conn_key, enum dir dir, uint64_t off)
{
	const struct conn *c = map_get(&s->conns, conn_key);

	return c && off < c->next_off[dir];
}

void stream_chunk(struct stream *s, const struct chunk *chunk)
{
	struct conn *c = map_get(&s->conns, chunk->conn_key);
	enum dir dir = chunk->dir;

	if (!c)
		c = conn_open(s, chunk->conn_key, chunk->pid, chunk->tid, chunk->library,
			      chunk->ts_ns);
	/* Offsets only grow on the kernel side; anything else is not to be trusted. */
	if (!c || chunk->off < c->next_off[dir]) {
		s->config.counters->stream.bytes_refused += chunk->len;
		return;
	}
	if (chunk->off > c->next_off[dir])
		skip_to(s, c, dir, chunk->off, chunk->gap_causes, chunk->ts_ns);
	if (!chunk->len)
		return;
	c->next_off[dir] += chunk->len;
	s->config.counters->stream.bytes += chunk->len;
	s->config.ops->bytes(s->config.user, c->info, dir, chunk->off, chunk->data, chunk->len);
	conn_feed(c, dir, chunk->off, chunk->data, chunk->len, chunk->ts_ns);
}

static void conn_close(struct stream *s, struct conn *c, const struct chunk_end *end)
{
	c->info->end = end->end;
	c->info->ending = end->ending;
	c->info->closed_ns = end->ts_ns;
	conn_finish(c, end->end != CONN_END_CAPTURE, end->ts_ns);
	s->config.counters->stream.connections_closed++;
	if (!c->info->local)
		s->config.counters->stream.connections_unaddressed++;
	s->config.ops->conn_close(s->config.user, c->info, c->listener);
	conn_free(c);
}

void stream_conn_end(struct stream *s, const struct chunk_end *end)
{
	struct conn *c = map_get(&s->conns, end->conn_key);

	if (!c && !end->total[DIR_SENT] && !end->total[DIR_RECEIVED])
		return;
	if (!c)
		c = conn_open(s, end->conn_key, end->pid, end->tid, end->library, end->ts_ns);
	if (!c)
		return;
	for (int dir = 0; dir < DIR_CNT; dir++)
		if (end->total[dir] > c->next_off[dir])
			skip_to(s, c, (enum dir)dir, end->total[dir], end->gap_causes[dir],
				end->ts_ns);
	map_remove(&s->conns, end->conn_key);
	conn_close(s, c, end);
}

void stream_free(struct stream *s)
{
	struct chunk_end end = { .end = CONN_END_CAPTURE };
	uint64_t key;
	void *conn;
	size_t pos = 0;

	if (!s)
		return;
	end.ts_ns = clock_ns(CLOCK_REALTIME);
	while (map_next(&s->conns, &pos, &key, &conn))
		conn_close(s, conn, &end);
	map_done(&s->conns);
	map_done(&s->born_cnt);
	free(s);
}

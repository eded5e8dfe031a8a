// SPDX-License-Identifier: BSD-2-Clause
#include "collect.h"

#include <string.h>

#include "base/clock.h"
#include "conn_info_record.h"
#include "conn_record.h"
#include "load_record.h"
#include "model/counters.h"
#include "model/gap.h"

void collector_init(struct collector *c, const struct collect_ops *ops, void *user,
		    struct counters *counters)
{
	*c = (struct collector){
		.ops = ops,
		.user = user,
		.counters = counters,
		.wall_offset_ns = (int64_t)clock_ns(CLOCK_REALTIME) -
				  (int64_t)clock_ns(CLOCK_MONOTONIC),
	};
}

static uint64_t wall_ns(const struct collector *c, uint64_t monotonic_ns)
{
	return (uint64_t)((int64_t)monotonic_ns + c->wall_offset_ns);
}

static void give_chunk(struct collector *c, struct chunk *chunk, const uint8_t *data, size_t len)
{
	if (!len)
		return;
	chunk->data = data;
	chunk->len = len;
	c->ops->chunk(c->user, chunk);
	chunk->off += len;
	chunk->gap_causes = 0;
}

/* The plaintext may wrap at the end of the ring: then it is two chunks. */
static void give_payload(struct collector *c, struct chunk *chunk, const struct ring_record *rec,
			 size_t len)
{
	size_t head = sizeof(struct rec_data);
	size_t in_first = rec->first_len > head ? rec->first_len - head : 0;
	size_t skip_second = head > rec->first_len ? head - rec->first_len : 0;

	if (in_first > len)
		in_first = len;
	if (in_first)
		give_chunk(c, chunk, rec->first + head, in_first);
	if (len > in_first)
		give_chunk(c, chunk, rec->second + skip_second, len - in_first);
}

static bool data_is_valid(const struct rec_data *r, size_t rec_len)
{
	return r->len >= 1 && r->len <= REC_DATA_MAX && r->dir < REC_DIR_CNT && r->pid &&
	       r->head.size == sizeof(*r) + r->len && r->head.size <= rec_len;
}

static bool take_data(struct collector *c, const struct ring_record *rec)
{
	struct rec_data r;
	struct chunk chunk;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r))
		return false;
	if (!data_is_valid(&r, ring_record_len(rec)))
		return false;
	chunk = (struct chunk){
		.conn_key = r.conn,
		.pid = (pid_t)r.pid,
		.tid = (pid_t)r.tid,
		.library = r.target,
		.dir = r.dir == REC_SENT ? DIR_SENT : DIR_RECEIVED,
		.off = r.off,
		.gap_causes = r.gap_causes,
		.ts_ns = wall_ns(c, r.head.ts_ns),
	};
	c->counters->collect.bytes += r.len;
	give_payload(c, &chunk, rec, r.len);
	return true;
}

static bool pending_is_valid(const struct rec_pending *r)
{
	if (r->head.size != sizeof(*r) || !r->len || r->dir >= REC_DIR_CNT || !r->pid)
		return false;
	if (r->where == PENDING_IN_MEMORY || r->where == PENDING_IN_MEMORY_HELD)
		return true;
	return r->where <= PENDING_IN_FILE_HELD && r->fd <= INT32_MAX && r->file_off <= INT64_MAX &&
	       r->len <= INT64_MAX - r->file_off;
}

static bool take_pending(struct collector *c, const struct ring_record *rec)
{
	struct pending_call call;
	struct rec_pending r;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r) || !pending_is_valid(&r))
		return false;
	call = (struct pending_call){
		.chunk = {
			.conn_key = r.conn,
			.pid = (pid_t)r.pid,
			.tid = (pid_t)r.tid,
			.library = r.target,
			.dir = r.dir == REC_SENT ? DIR_SENT : DIR_RECEIVED,
			.off = r.off,
			.gap_causes = r.gap_causes,
			.ts_ns = wall_ns(c, r.head.ts_ns),
		},
		.where = r.where,
		.user_addr = r.user_addr,
		.len = r.len,
		.fd = (int)r.fd,
		.file_off = r.file_off,
		.file = r.file,
		.monotonic_ns = r.head.ts_ns,
		.release_seq = r.release_seq,
		.last_try = r.last_try,
	};
	c->ops->pending(c->user, &call);
	return true;
}

void collect_pending_bytes(struct collector *c, struct pending_call *call, const uint8_t *data,
			   size_t len)
{
	c->counters->collect.bytes += len;
	give_chunk(c, &call->chunk, data, len);
}

void collect_pending_missing(struct collector *c, struct pending_call *call, uint64_t len)
{
	c->counters->collect.bytes_unreadable += len;
	call->chunk.off += len;
	call->chunk.gap_causes |= GAP_UNREADABLE;
	call->chunk.data = NULL;
	call->chunk.len = 0;
	/* An empty chunk beyond the missing bytes: the stream makes the gap of it. */
	c->ops->chunk(c->user, &call->chunk);
}

static enum conn_notify notify_of(uint8_t flags, uint8_t bit)
{
	if (flags & bit)
		return CONN_NOTIFY_YES;
	return flags & CLOSING_KNOWS_NOTIFY ? CONN_NOTIFY_NO : CONN_NOTIFY_UNKNOWN;
}

static struct conn_ending ending_of(const struct conn_closing *closing)
{
	uint8_t flags = closing->flags;

	return (struct conn_ending){
		.notify_sent = notify_of(flags, CLOSING_NOTIFY_SENT),
		.notify_received = notify_of(flags, CLOSING_NOTIFY_RECEIVED),
		.failed = flags & CLOSING_FAILED,
		.peer_closed = flags & CLOSING_PEER_CLOSED,
		.broken = flags & CLOSING_BROKEN,
		.reset_sent = flags & CLOSING_RESET_SENT,
		.cleared = flags & CLOSING_CLEARED,
		.socket_error = closing->socket_error,
	};
}

static bool take_conn_end(struct collector *c, const struct ring_record *rec)
{
	struct rec_conn_end r;
	struct chunk_end end;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r) || r.head.size != sizeof(r))
		return false;
	end = (struct chunk_end){
		.conn_key = r.conn,
		.pid = (pid_t)r.pid,
		.tid = (pid_t)r.tid,
		.library = r.target,
		.end = CONN_END_FREED,
		.ending = ending_of(&r.closing),
		.total = { r.total[REC_SENT], r.total[REC_RECEIVED] },
		.gap_causes = { r.gap_causes[REC_SENT], r.gap_causes[REC_RECEIVED] },
		.ts_ns = wall_ns(c, r.head.ts_ns),
	};
	c->ops->conn_end(c->user, &end);
	return true;
}

static bool take_conn_info(struct collector *c, const struct ring_record *rec)
{
	struct conn_info info;
	struct rec_conn_info r;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r) ||
	    !conn_info_record_read(&r, &info))
		return false;
	info.ts_ns = wall_ns(c, r.head.ts_ns);
	c->ops->conn_info(c->user, &info);
	return true;
}

static enum process_event process_event_of(uint32_t type)
{
	if (type == REC_FORK)
		return PROCESS_FORKED;
	return type == REC_EXEC ? PROCESS_EXECUTED : PROCESS_EXITED;
}

static bool take_process(struct collector *c, const struct ring_record *rec)
{
	struct process_change change;
	struct rec_process r;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r) || r.head.size != sizeof(r))
		return false;
	change = (struct process_change){
		.event = process_event_of(r.head.type),
		.pid = (pid_t)r.pid,
		.ppid = (pid_t)r.ppid,
		.status = (int)r.exit_code,
		.unasked = r.unasked,
		.monotonic_ns = r.head.ts_ns,
	};
	c->ops->process(c->user, &change);
	return true;
}

static bool take_load(struct collector *c, const struct ring_record *rec)
{
	static const enum load_event_kind kinds[] = {
		[LOAD_FILES] = LOADED_FILES,
		[LOAD_FORK] = LOAD_BEFORE_FORK,
		[LOAD_EXEC] = LOAD_BEFORE_EXEC,
		[LOAD_RECEIVER] = LOAD_RECEIVES,
	};
	struct load_event e;
	struct rec_load r;

	if (ring_record_copy(rec, 0, &r, sizeof(r)) != sizeof(r) || r.head.size != sizeof(r) ||
	    r.why > LOAD_RECEIVER)
		return false;
	e = (struct load_event){
		.pid = (pid_t)r.pid,
		.tid = (pid_t)r.tid,
		.kind = kinds[r.why],
		.dir_fd = r.dir_fd,
		.path_addr = r.path_addr,
		.file_cnt = r.file_cnt,
		.is_held = r.is_held,
		.monotonic_ns = r.head.ts_ns,
	};
	c->ops->load(c->user, &e);
	return true;
}

static bool take(struct collector *c, const struct ring_record *rec)
{
	struct rec_head head;

	if (ring_record_copy(rec, 0, &head, sizeof(head)) != sizeof(head))
		return false;
	switch (head.type) {
	case REC_DATA:
		return take_data(c, rec);
	case REC_CONN_END:
		return take_conn_end(c, rec);
	case REC_PENDING:
		return take_pending(c, rec);
	case REC_CONN_INFO:
		return take_conn_info(c, rec);
	case REC_LOAD:
		return take_load(c, rec);
	case REC_FORK:
	case REC_EXEC:
	case REC_EXIT:
		return take_process(c, rec);
	default:
		return false;
	}
}

void collect_record(void *collector, const struct ring_record *rec)
{
	struct collector *c = collector;

	if (take(c, rec)) {
		c->counters->collect.records++;
		return;
	}
	c->counters->collect.records_invalid++;
	if (ring_record_len(rec) > sizeof(struct rec_data))
		c->counters->collect.bytes_invalid += ring_record_len(rec) -
						      sizeof(struct rec_data);
}

static void give_state(struct collector *c, pid_t pid, const struct conn_state *state,
		       enum conn_end why, const struct conn_ending *ending)
{
	struct chunk_end end = {
		.conn_key = state->id,
		.pid = pid,
		.tid = (pid_t)state->tid,
		.library = state->target,
		.end = why,
		.ending = *ending,
		.total = { state->off[REC_SENT], state->off[REC_RECEIVED] },
		.gap_causes = { state->gap_causes[REC_SENT], state->gap_causes[REC_RECEIVED] },
		.ts_ns = (uint64_t)(int64_t)clock_ns(CLOCK_REALTIME),
	};

	c->ops->conn_end(c->user, &end);
}

void collect_conn_state(struct collector *c, pid_t pid, const struct conn_state *state,
			enum conn_end why, const struct conn_closing *closing, int status)
{
	struct conn_ending ending = ending_of(closing);

	ending.status = status;
	give_state(c, pid, state, why, &ending);
}

void collect_unsent_end(struct collector *c, const struct unsent_end *end)
{
	struct conn_ending ending = ending_of(&end->closing);

	give_state(c, (pid_t)end->pid, &end->state, CONN_END_FREED, &ending);
}

void collect_kernel_stats(struct collector *c, const struct kernel_stats *stats)
{
	struct counters *to = c->counters;

	to->kernel.calls = stats->calls;
	to->kernel.bytes_seen = stats->bytes_seen;
	to->kernel.bytes_sent = stats->bytes_sent;
	to->kernel.bytes_dropped[0] = stats->bytes_ring_full;
	to->kernel.bytes_dropped[1] = stats->bytes_unreadable;
	to->kernel.bytes_dropped[2] = stats->bytes_too_long;
	to->kernel.bytes_dropped[3] = stats->bytes_not_followed;
	to->kernel.records_dropped = stats->records_ring_full;
	to->kernel.states_dropped = stats->states_dropped;
	to->kernel.ends_dropped = stats->ends_dropped;
	to->kernel.infos_dropped = stats->infos_dropped;
	to->kernel.conns_filtered = stats->conns_filtered;
}

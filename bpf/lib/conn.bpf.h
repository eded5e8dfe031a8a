/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Connections: one entry per connection object of a process, from its first call to its free, or to
 * the moment when the program clears it for the next connection.
 * Bytes are numbered here, before anything is sent, so that whatever is lost later is a hole of
 * known length.
 *
 * A library's connection object is used by one thread per direction at a time (anything else is
 * undefined in OpenSSL), so the fields of one direction need no lock.
 */
#ifndef PLAINTAP_BPF_CONN_H
#define PLAINTAP_BPF_CONN_H

#include "conn_record.h"
#include "pause.bpf.h"
#include "room.bpf.h"

/*
 * Key: process and object address. Filled on the first call; deleted on free or clear, and by
 * user space for processes that have ended.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct conn_key);
	__type(value, struct conn_state);
} conns SEC(".maps");

/* Key: conn id. Ends that found the ring full; user space collects and deletes them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct unsent_end);
} unsent_ends SEC(".maps");

static __always_inline struct conn_state *conn_find(u64 object, u32 pid)
{
	struct conn_key key = { .object = object, .pid = pid };

	return bpf_map_lookup_elem(&conns, &key);
}

/*
 * Has a byte passed? A handshake clears its object too, first of all: perhaps from inside of the
 * very read or write that made the entry and is still under way. That one is no other connection.
 */
static __always_inline bool conn_is_used(u64 object, u32 pid)
{
	struct conn_state *conn = conn_find(object, pid);

	return conn && (conn->off[REC_SENT] || conn->off[REC_RECEIVED]);
}

/* Two connections never begin in the same nanosecond on the same CPU. */
static __always_inline u64 conn_new_id(void)
{
	return bpf_ktime_get_ns() << CONN_ID_CPU_BITS |
	       (bpf_get_smp_processor_id() & ((1 << CONN_ID_CPU_BITS) - 1));
}

/* To be called when it was not found. NULL: the table is full. */
static __always_inline struct conn_state *conn_add(u64 object, u32 pid, u32 target)
{
	struct conn_key key = { .object = object, .pid = pid };
	struct conn_state fresh = {};

	fresh.id = conn_new_id();
	fresh.target = target;
	/* Another thread may be first: then its entry is the one. */
	bpf_map_update_elem(&conns, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&conns, &key);
}

/*
 * How many bytes are left lives in the connection's entry, not here: what is read from a map is any
 * number to the verifier, which therefore looks at one round of the loop and not at thousands.
 */
struct send_state {
	struct piece piece;
	u64 *left;
};

/* `is_short` is a constant: the piece has at most SHORT_LEN bytes. `may_loop`: see send_all(). */
static __always_inline u32 piece_put(const struct piece *p, bool is_short, bool may_loop)
{
	if (!is_short)
		return piece_emit_now(p, may_loop);
	return p->len <= TINY_LEN ? piece_emit_tiny(p) : piece_emit_slot(p, SHORT_LEN);
}

/*
 * Into the ring, on the second try if its pages had to be brought back first. The first one has
 * taken room then, too.
 */
static __always_inline u32 piece_emit(const struct piece *p, bool is_short, bool may_loop)
{
	u64 room = room_take(room_of_piece(p->len), may_loop);
	u32 cause = piece_put(p, is_short, may_loop);

	room_give(room, may_loop);
	if (!may_sleep || cause != REC_GAP_UNREADABLE)
		return cause;
	room = room_take(room_of_piece(p->len), may_loop);
	fault_in(p->user_addr, p->len);
	cause = piece_put(p, is_short, may_loop);
	room_give(room, may_loop);
	return cause;
}

static __always_inline void count_piece(u32 cause, u64 len)
{
	if (!cause)
		STATS_ADD(bytes_sent, len);
	else if (cause == REC_GAP_UNREADABLE)
		STATS_ADD(bytes_unreadable, len);
	else
		STATS_ADD(bytes_ring_full, len);
	if (cause == REC_GAP_RING_FULL)
		STATS_ADD(records_ring_full, 1);
}

/* The next piece; true when it was the last. */
static __always_inline bool send_next(struct send_state *s, bool may_loop)
{
	struct piece *p = &s->piece;
	u64 left = *s->left;
	u32 cause;

	p->len = left > REC_DATA_MAX ? REC_DATA_MAX : left;
	cause = piece_emit(p, false, may_loop);
	count_piece(cause, p->len);
	/* Told with the next record that gets through. */
	p->gap_causes = cause ? p->gap_causes | cause : 0;
	p->off += p->len;
	p->user_addr += p->len;
	left -= p->len;
	*s->left = left;
	return left == 0;
}

static long send_loop_step(u32 index, void *user)
{
	return send_next(user, true);
}

/*
 * `may_loop` is a constant: where it is false no reference to the callback must remain, not even in
 * code that is never reached, as kernels before 5.13 refuse the whole program for it.
 */
static __always_inline void send_all(struct send_state *s, bool may_loop)
{
	if (may_loop && has_bpf_loop) {
		bpf_loop(*s->left / REC_DATA_MAX + 1, send_loop_step, s, 0);
		return;
	}
	for (u32 i = 0; i < REC_PIECES_MAX_NO_LOOP; i++)
		if (send_next(s, may_loop))
			return;
}

static __always_inline void send_call(struct send_state *s, u64 len, bool may_loop)
{
	if (is_long(len) && pause_for_long_call(&s->piece, len, may_loop)) {
		STATS_ADD(bytes_sent, len);
		*s->left = 0;
		s->piece.gap_causes = 0;
		return;
	}
	if (len <= REC_DATA_MAX)
		send_next(s, may_loop);
	else
		send_all(s, may_loop);
	if (*s->left) {
		STATS_ADD(bytes_too_long, *s->left);
		s->piece.gap_causes |= REC_GAP_TOO_LONG;
	}
	pause_if_filling(s->piece.pid, may_loop);
}

static __always_inline void send_short(struct conn_state *conn, const struct piece *p,
				       bool may_loop)
{
	u32 cause = piece_emit(p, true, may_loop);

	count_piece(cause, p->len);
	conn->gap_causes[p->dir] = cause ? p->gap_causes | cause : 0;
	pause_if_filling(p->pid, may_loop);
}

static __always_inline void send_long(struct conn_state *conn, const struct piece *p, u64 len,
				      bool may_loop)
{
	struct send_state s = { .piece = *p, .left = &conn->left[p->dir] };

	*s.left = len;
	send_call(&s, len, may_loop);
	conn->gap_causes[p->dir] = s.piece.gap_causes;
}

/* `len` bytes of plaintext at `user_addr` passed in direction `dir`. `may_loop`: see send_all(). */
static __always_inline void conn_bytes(struct conn_state *conn, u8 dir, u64 user_addr, u64 len,
				       u64 pid_tgid, bool may_loop)
{
	struct piece p = {};

	if (!len || dir >= REC_DIR_CNT)
		return;
	p.conn = conn->id;
	p.off = conn->off[dir];
	p.user_addr = user_addr;
	p.pid = pid_tgid >> 32;
	p.tid = (u32)pid_tgid;
	p.target = conn->target;
	p.dir = dir;
	p.len = len;
	p.gap_causes = conn->gap_causes[dir];
	conn->off[dir] += len;
	conn->tid = (u32)pid_tgid;
	STATS_ADD(calls, 1);
	STATS_ADD(bytes_seen, len);
	if (len <= SHORT_LEN)
		send_short(conn, &p, may_loop);
	else
		send_long(conn, &p, len, may_loop);
}

static __always_inline void end_keep_unsent(const struct conn_state *conn, u32 pid,
					    struct conn_closing closing)
{
	struct unsent_end end = { .pid = pid, .closing = closing };
	u64 id = conn->id;

	end.state = *conn;
	if (bpf_map_update_elem(&unsent_ends, &id, &end, BPF_ANY))
		STATS_ADD(ends_dropped, 1);
}

static __always_inline void conn_end_now(u64 object, u64 pid_tgid, struct conn_closing closing)
{
	struct conn_key key = { .object = object, .pid = pid_tgid >> 32 };
	struct conn_state *conn = bpf_map_lookup_elem(&conns, &key);
	struct rec_conn_end rec = {};

	if (!conn)
		return;
	rec.head.type = REC_CONN_END;
	rec.head.size = sizeof(rec);
	rec.head.ts_ns = bpf_ktime_get_ns();
	rec.conn = conn->id;
	rec.total[REC_SENT] = conn->off[REC_SENT];
	rec.total[REC_RECEIVED] = conn->off[REC_RECEIVED];
	rec.pid = key.pid;
	rec.tid = (u32)pid_tgid;
	rec.target = conn->target;
	rec.gap_causes[REC_SENT] = conn->gap_causes[REC_SENT];
	rec.gap_causes[REC_RECEIVED] = conn->gap_causes[REC_RECEIVED];
	rec.closing = closing;
	if (!emit_fixed(&rec, sizeof(rec)))
		end_keep_unsent(conn, key.pid, closing);
	bpf_map_delete_elem(&conns, &key);
}

/*
 * The connection object is being freed or used anew: tell, and forget it. `may_loop`: see
 * send_all().
 */
static __always_inline void conn_end(u64 object, u64 pid_tgid, struct conn_closing closing,
				     bool may_loop)
{
	u64 room;

	/* The objects of others do not wait. */
	if (may_loop && is_patient && !conn_find(object, pid_tgid >> 32))
		return;
	room = room_take(room_of_record(sizeof(struct rec_conn_end)), may_loop);
	conn_end_now(object, pid_tgid, closing);
	room_give(room, may_loop);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tells user space who a connection is, before its first bytes: the handshake is over then, and
 * calls that follow pay for one test of conn_state.info.
 *
 * A connection stays what it was found to be: an object that is used for another one is cleared
 * first, which ends the connection, and one that only goes on over another descriptor is the same.
 */
#ifndef PLAINTAP_BPF_DESCRIBE_H
#define PLAINTAP_BPF_DESCRIBE_H

#include "conn.bpf.h"
#include "conn_filter.bpf.h"
#include "layout.bpf.h"
#include "seek.bpf.h"

static __always_inline void info_begin(struct rec_conn_info *rec, const struct conn_state *conn,
				       u64 pid_tgid)
{
	__builtin_memset(rec, 0, sizeof(*rec));
	rec->head.type = REC_CONN_INFO;
	rec->head.size = sizeof(*rec);
	rec->head.ts_ns = bpf_ktime_get_ns();
	rec->conn = conn->id;
	rec->pid = pid_tgid >> 32;
	rec->tid = (u32)pid_tgid;
	rec->target = conn->target;
}

static __always_inline void info_take_seen(struct rec_conn_info *rec, u64 pid_tgid)
{
	const struct seeker *seen = seek_found(pid_tgid);

	if (!seen)
		return;
	rec->local = seen->ends.local;
	rec->remote = seen->ends.remote;
}

static __always_inline void info_fill(struct rec_conn_info *rec, struct conn_state *conn,
				      u64 object, u8 dir)
{
	u32 target = conn->target;
	const struct conn_layout *layout = bpf_map_lookup_elem(&layouts, &target);
	struct sock *sk;
	int fd;

	if (!layout || !layout_fits(layout, object))
		return;
	layout_describe(target, object, rec);
	fd = layout_fd(target, object, dir);
	if (fd < 0)
		return;
	sk = socket_of_fd(fd);
	conn->fd = fd;
	conn->socket = (u32)(u64)sk;
	socket_ends_read(sk, (struct socket_ends *)&rec->local);
}

static __always_inline void info_judge(struct rec_conn_info *rec, struct conn_state *conn)
{
	if (conn_is_let_in(rec)) {
		rec->known |= CONN_IS_LET_IN;
		return;
	}
	rec->known |= CONN_IS_KEPT_OUT;
	conn->info = CONN_FILTERED;
	STATS_ADD(conns_filtered, 1);
}

/* `is_last`: its addresses are not looked for any longer. */
static __always_inline void conn_tell(struct conn_state *conn, u64 object, u64 pid_tgid, u8 dir,
				      bool is_last)
{
	struct rec_conn_info *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);

	bool is_first;

	/* Unjudged, if there are filters: the next call tries again. */
	if (!rec && has_conn_rules) {
		conn->seek_left = 1;
		return;
	}
	if (!rec) {
		conn->info = CONN_TOLD;
		STATS_ADD(infos_dropped, 1);
		STATS_ADD(records_ring_full, 1);
		return;
	}
	info_begin(rec, conn, pid_tgid);
	if (conn->info == CONN_UNTOLD)
		info_fill(rec, conn, object, dir);
	if (!rec->local.family)
		info_take_seen(rec, pid_tgid);
	is_first = conn->info == CONN_UNTOLD;
	conn->seek_left = SEEK_CALLS;
	conn->info = rec->local.family || is_last ? CONN_TOLD : CONN_SEEKING;
	if (has_conn_rules && conn->info == CONN_TOLD)
		info_judge(rec, conn);
	if (is_first && conn->info == CONN_FILTERED) {
		bpf_ringbuf_discard(rec, BPF_RB_NO_WAKEUP);
		return;
	}
	bpf_ringbuf_submit(rec, submit_flags(rec->head.ts_ns, sizeof(*rec)));
}

/* A call on a connection that is not CONN_TOLD begins. */
static __always_inline void conn_describe_begin(u64 pid_tgid)
{
	if (seek_begin(pid_tgid))
		STATS_ADD(infos_dropped, 1);
}

/* It has moved `len` bytes. */
static __noinline int conn_describe_end(struct conn_state *conn, u64 object, u64 pid_tgid, u64 len,
					u8 dir)
{
	if (!conn)
		return 0;
	if (len && (conn->info == CONN_UNTOLD || seek_found(pid_tgid)))
		conn_tell(conn, object, pid_tgid, dir, false);
	else if (len && !--conn->seek_left && has_conn_rules)
		conn_tell(conn, object, pid_tgid, dir, true);
	else if (len && !conn->seek_left)
		conn->info = CONN_TOLD;
	seek_end(pid_tgid);
	return 0;
}

#endif

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
#include "hello.bpf.h"
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

static __always_inline void info_take_seen(struct rec_conn_info *rec, struct conn_state *conn,
					   u64 pid_tgid)
{
	const struct seeker *seen = seek_found(pid_tgid);

	if (!seen)
		return;
	rec->local = seen->ends.local;
	rec->remote = seen->ends.remote;
	conn->socket = seen->ref;
}

/* The hello that this side received; nothing if its object does not say which side it is. */
static __always_inline void info_take_hello(struct rec_conn_info *rec, struct conn_state *conn,
					    u64 object)
{
	u64 is_server = layout_read(rec->target, LAYOUT_IS_SERVER, object);
	struct hello_key key = { .pid = rec->pid };
	u64 addr;

	if (is_server == LAYOUT_UNKNOWN)
		return;
	key.type = is_server ? HELLO_CLIENT : HELLO_SERVER;
	addr = layout_find(rec->target, is_server ? LAYOUT_CLIENT_RANDOM : LAYOUT_SERVER_RANDOM,
			   object);
	if (addr && !bpf_probe_read_user(key.random, sizeof(key.random), (void *)addr))
		hello_take(&key, &rec->local, &rec->remote, &conn->socket);
}

/*
 * Where the object does not tell the socket itself. Whoever relays the bytes of a connection of its
 * own has received its hello elsewhere, too. With an unknown BIO, which may take the bytes out of a
 * socket in pieces, that could be the only place that was noted: so there the hello counts only
 * once a read gave something and received nothing.
 */
static __always_inline void info_seek(struct rec_conn_info *rec, struct conn_state *conn,
				      u64 object, u64 pid_tgid, bool is_dry)
{
	if (is_dry || layout_is_memory(rec->target, object))
		info_take_hello(rec, conn, object);
	if (!rec->local.family)
		info_take_seen(rec, conn, pid_tgid);
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
	conn->socket = socket_ref_of(sk);
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

/*
 * `is_last`: its addresses are not looked for any longer. `is_dry`: a read that received nothing
 * from any socket.
 */
static __always_inline void conn_tell(struct conn_state *conn, u64 object, u64 pid_tgid, u8 dir,
				      bool is_last, bool is_dry)
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
		info_seek(rec, conn, object, pid_tgid, is_dry);
	is_first = conn->info == CONN_UNTOLD;
	if (!is_first && !rec->local.family && !is_last) {
		bpf_ringbuf_discard(rec, BPF_RB_NO_WAKEUP);
		return;
	}
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

/*
 * It has moved `len` bytes. A global function, and so with numbers only: the verifier looks at it
 * once, and not in each of the ways that a call may take before and afterwards.
 */
__noinline int conn_describe_end(u64 object, u64 pid_tgid, u64 len, u32 dir)
{
	struct conn_state *conn = conn_find(object, pid_tgid >> 32);
	bool is_dry, is_last = false;

	if (!conn)
		return 0;
	is_dry = len && dir == REC_RECEIVED && !conn->hello_done && seek_saw_none(pid_tgid);
	if (is_dry)
		conn->hello_done = 1;
	if (len && conn->info != CONN_UNTOLD && !is_dry && !seek_found(pid_tgid))
		is_last = !--conn->seek_left;
	if (is_last && !has_conn_rules)
		conn->info = CONN_TOLD;
	else if (len && (is_last || conn->info == CONN_UNTOLD || is_dry || seek_found(pid_tgid)))
		conn_tell(conn, object, pid_tgid, dir, is_last, is_dry);
	seek_end(pid_tgid);
	return 0;
}

#endif

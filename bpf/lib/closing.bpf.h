/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How a connection ends: what its object says of close_notify and of failures, in which state its
 * socket is, and what became of that before. Looked at when the object is freed or cleared, so no
 * read or write pays for it.
 *
 * The object tells of a close_notify that was sent or received in one field that the program may
 * set itself, and does (nginx, for one that it will not wait for). So what it said before it was
 * set is kept, and what was set is not believed.
 */
#ifndef PLAINTAP_BPF_CLOSING_H
#define PLAINTAP_BPF_CLOSING_H

#include "conn.bpf.h"
#include "fate.bpf.h"
#include "layout.bpf.h"
#include "socket.bpf.h"

/* What the object says now: set of enum conn_closing_flag. */
static __always_inline u32 closing_of_object(const struct conn_state *conn, u64 object)
{
	u32 target = conn->target, flags = 0;
	const struct conn_layout *layout = bpf_map_lookup_elem(&layouts, &target);
	u64 notify, quiet, in_init;

	if (!layout || !layout_fits(layout, object))
		return 0;
	notify = layout_read(target, LAYOUT_SHUTDOWN, object);
	quiet = layout_read(target, LAYOUT_QUIET_SHUTDOWN, object);
	in_init = layout_read(target, LAYOUT_IN_INIT, object);
	if (in_init != LAYOUT_UNKNOWN && in_init)
		flags |= CLOSING_FAILED;
	/* A quiet end sets all of it and says nothing to the peer. */
	if (notify == LAYOUT_UNKNOWN || quiet)
		return flags;
	/* An alert that is the end of all, too, counts as received there. */
	if (flags & CLOSING_FAILED)
		notify &= ~(u64)CLOSING_NOTIFY_RECEIVED;
	return flags | CLOSING_KNOWS_NOTIFY | (notify & CLOSING_NOTIFY);
}

static __always_inline void closing_see(struct conn_state *conn, u64 object)
{
	conn->notify |= closing_of_object(conn, object) & CLOSING_NOTIFY &
			~(conn->notify >> CLOSING_SET_SHIFT);
}

/*
 * The program is about to set the field to `mode`. A global function, as the next two: the verifier
 * looks at each once, whatever calls it.
 */
__noinline int closing_is_set(u64 object, u32 pid, u64 mode)
{
	struct conn_state *conn = conn_find(object, pid);

	if (!conn)
		return 0;
	closing_see(conn, object);
	conn->notify = (conn->notify & CLOSING_NOTIFY) | (mode & CLOSING_NOTIFY)
								 << CLOSING_SET_SHIFT;
	return 0;
}

/* A read has ended without a byte, and not for want of one: is it the end? */
__noinline int closing_is_read(u64 object, u32 pid)
{
	struct conn_state *conn = conn_find(object, pid);

	if (conn)
		closing_see(conn, object);
	return 0;
}

/* Of TCP: a reset or a timeout ends in the same state as an orderly end, but for the peer's FIN. */
static __always_inline u32 closing_of_tcp(struct sock *sk)
{
	bool has_fin = BPF_CORE_READ(sk, __sk_common.skc_flags) & 1UL << SOCK_DONE_BIT;

	if (has_fin)
		return CLOSING_PEER_CLOSED;
	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE_ ? CLOSING_BROKEN : 0;
}

static __always_inline u32 closing_of_socket(struct sock *sk, u32 *ret_error)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	bool is_inet = family == AF_INET_ || family == AF_INET6_;
	u32 error = BPF_CORE_READ(sk, sk_err), flags = 0;

	if (is_inet && BPF_CORE_READ(sk, sk_type) == SOCK_STREAM_)
		flags = closing_of_tcp(sk);
	else if (!is_inet && BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN_)
		flags = CLOSING_PEER_CLOSED;
	/* EPIPE: the peer had ended orderly, and we wrote nevertheless. */
	if (error && error != EPIPE_)
		flags |= CLOSING_BROKEN;
	*ret_error = error <= 0xff ? error : 0;
	return flags;
}

/* The one that the connection was described with; NULL: it is not there any more, or not known. */
static __always_inline struct sock *closing_socket(const struct conn_state *conn)
{
	struct sock *sk = conn->socket.socket ? socket_of_fd(conn->fd) : NULL;

	return sk && (u32)(u64)sk == conn->socket.socket ? sk : NULL;
}

/*
 * What was noted of the socket, which may have been closed since. An error that waits there is the
 * better one, as it is the last.
 */
static __always_inline u32 closing_of_fate(const struct conn_state *conn, u32 *error)
{
	u32 fate = fate_of(conn->socket), noted = closing_error_of_fate(fate), flags = 0;

	if (fate & FATE_PEER_CLOSED)
		flags |= CLOSING_PEER_CLOSED;
	if (fate & FATE_RESET_SENT)
		flags |= CLOSING_RESET_SENT;
	if (noted)
		flags |= CLOSING_BROKEN;
	if (!*error)
		*error = noted;
	return flags;
}

/* struct conn_closing as a number: the flags, and the error above them. */
__noinline u32 closing_look(u64 object, u32 pid)
{
	struct conn_state *conn = conn_find(object, pid);
	u32 flags, error = 0;
	struct sock *sk;

	if (!conn || conn->info == CONN_FILTERED)
		return 0;
	flags = closing_of_object(conn, object);
	flags &= ~(u32)(conn->notify >> CLOSING_SET_SHIFT & CLOSING_NOTIFY);
	flags |= conn->notify & CLOSING_NOTIFY;
	sk = closing_socket(conn);
	if (sk)
		flags |= closing_of_socket(sk, &error);
	flags |= closing_of_fate(conn, &error);
	return flags | error << 8;
}

/*
 * The object is freed, or (`is_cleared`) made ready for another connection. `may_loop`: see
 * send_all().
 */
static __always_inline void closing_end(u64 object, u64 pid_tgid, bool is_cleared, bool may_loop)
{
	u32 found = closing_look(object, pid_tgid >> 32);
	struct conn_closing closing = {
		.flags = (found & 0xff) | (is_cleared ? CLOSING_CLEARED : 0),
		.socket_error = found >> 8,
	};

	conn_end(object, pid_tgid, closing, may_loop);
}

#endif

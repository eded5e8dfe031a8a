/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What became of TCP sockets, noted when it happens: a program that reads a socket's error clears
 * it, and one that closes its socket first leaves nothing to look at. The kernel's tracepoints for
 * it are reached only when a connection breaks, so nothing else of the machine pays for them. The
 * one for errors comes after the waiting program was woken: one that takes the error in between is
 * not seen to have had it.
 *
 * A reset that the kernel takes for received may be its own: where bytes arrive that nobody can
 * read any more, it ends the socket as if it had been reset, and then sends one. So what was sent
 * goes before what was received; after a reset that really came, none is sent.
 */
#ifndef PLAINTAP_BPF_FATE_H
#define PLAINTAP_BPF_FATE_H

#include "socket.bpf.h"

/*
 * Key: which socket; value: set of enum socket_fate. Filled by these tracepoints, read at the end
 * of a connection, also by user space. As no inode's number is given again soon, what is left over
 * is never taken for another socket's; it makes room by itself.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct socket_ref);
	__type(value, u32);
} fates SEC(".maps");

/* Of the kernel's socket states those that are no connection, or none yet, or not any more. */
#define STATES_UNCONNECTED                                                                      \
	(1U << TCP_SYN_SENT_ | 1U << TCP_SYN_RECV_ | 1U << TCP_TIME_WAIT_ | 1U << TCP_LISTEN_ | \
	 1U << TCP_NEW_SYN_RECV_)

/* False: not one that a program could hold. Some are smaller than struct sock. */
static __always_inline bool fate_matters(struct sock *sk)
{
	u8 state;

	if (!sk)
		return false;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	return state < 32 && !(STATES_UNCONNECTED & 1U << state);
}

static __always_inline void fate_note(struct sock *sk, u32 fate)
{
	struct socket_ref ref;
	u32 *known;

	if (!fate_matters(sk))
		return;
	ref = socket_ref_of(sk);
	if (!ref.ino)
		return;
	if (BPF_CORE_READ(sk, __sk_common.skc_flags) & 1UL << SOCK_DONE_BIT)
		fate |= FATE_PEER_CLOSED;
	known = bpf_map_lookup_elem(&fates, &ref);
	if (known)
		*known |= fate;
	else
		bpf_map_update_elem(&fates, &ref, &fate, BPF_ANY);
}

static __always_inline u32 fate_of(struct socket_ref ref)
{
	u32 *fate = ref.socket ? bpf_map_lookup_elem(&fates, &ref) : NULL;

	return fate ? *fate : 0;
}

#endif

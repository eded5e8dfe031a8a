/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The socket of a connection whose object does not say it (a program's own BIO, as in curl): the
 * one that the same thread reads from during a call on that object. Programs with memory BIOs read
 * none meanwhile: nothing is found then, and nothing wrong (hello.bpf.h is for these).
 */
#ifndef PLAINTAP_BPF_SEEK_H
#define PLAINTAP_BPF_SEEK_H

#include "maps.bpf.h"
#include "receiving.bpf.h"
#include "socket.bpf.h"

/* Calls of one connection that are looked at before it is given up. */
enum { SEEK_CALLS = 16 };

/* The sockets that a call has read from. */
struct seeker {
	u64 socket;	  /* its address; 0: none yet; SEEK_SEVERAL */
	u64 has_received; /* from any socket, also one that is not taken */
	struct socket_ends ends;
	struct socket_ref ref;
};

#define SEEK_SEVERAL ((u64)-1)

/*
 * Key: pid and tid of a thread within a call on a connection without a known socket. Filled when
 * the call begins, deleted when it returns or the thread ends. Full: that call finds nothing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct seeker);
} seekers SEC(".maps");

/* Too large for the stack beside what the programs have there. */
static const struct seeker seeker_none;

static __always_inline void seekers_count(u32 change)
{
	struct capture_control *c = control_get();

	if (c)
		__sync_fetch_and_add(&c->seeker_cnt, change);
}

/* Also clears what a call has left that never returned. */
static __always_inline long seek_begin(u64 pid_tgid)
{
	if (bpf_map_update_elem(&seekers, &pid_tgid, &seeker_none, BPF_NOEXIST))
		return bpf_map_update_elem(&seekers, &pid_tgid, &seeker_none, BPF_EXIST);
	seekers_count(1);
	return 0;
}

/* During the call of this seeker its thread has received from `sk`. */
static __always_inline void seek_take(struct seeker *seeker, struct sock *sk)
{
	if (seeker->socket == (u64)sk)
		return;
	if (seeker->socket) {
		seeker->socket = SEEK_SEVERAL;
	} else if (socket_ends_read(sk, &seeker->ends)) {
		seeker->socket = (u64)sk;
		seeker->ref = socket_ref_of(sk);
	}
}

/*
 * The running thread has received from a TCP socket, or has been interrupted by the kernel, which
 * takes another socket's bytes for itself. That one is not owned by a thread, and ours is.
 */
static __always_inline void seek_see(struct sock *sk)
{
	struct capture_control *c = control_get();
	struct seeker *seeker;
	u64 pid_tgid;

	/* Nearly always: the whole machine's receiving passes here. */
	if (!c || !*(volatile u32 *)&c->seeker_cnt)
		return;
	pid_tgid = bpf_get_current_pid_tgid();
	seeker = bpf_map_lookup_elem(&seekers, &pid_tgid);
	if (seeker && BPF_CORE_READ(sk, sk_lock.owned))
		seek_take(seeker, sk);
}

/* Does what the running system call has received begin like a record of TLS? */
static __always_inline bool received_record(void)
{
	struct receiving r;
	u8 head[2];

	if (!receiving_read(&r) || bpf_probe_read_user(head, sizeof(head), (void *)r.buf))
		return false;
	return head[0] >= 0x14 && head[0] <= 0x17 && head[1] == 3;
}

/*
 * The running thread has received from a socket of any kind. A callback of the program may ask
 * others during a call of the library, a resolver for instance: these do not answer in TLS. A
 * global function: the verifier looks at it once.
 */
__noinline int seek_see_any(u64 sock)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct seeker *seeker = bpf_map_lookup_elem(&seekers, &pid_tgid);
	struct sock *sk = (void *)sock;

	if (!seeker)
		return 0;
	seeker->has_received = 1;
	if (BPF_CORE_READ(sk, sk_type) != SOCK_STREAM_)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX_ || received_record())
		seek_take(seeker, sk);
	return 0;
}

/* Has the call under way received from no socket at all? False also when that is not known. */
static __always_inline bool seek_saw_none(u64 pid_tgid)
{
	struct seeker *seeker = bpf_map_lookup_elem(&seekers, &pid_tgid);
	struct capture_control *c = control_get();

	return seeker && !seeker->has_received && c && c->sees_all_sockets;
}

/* NULL: no socket, or more than one. To be followed by seek_end(). */
static __always_inline const struct seeker *seek_found(u64 pid_tgid)
{
	struct seeker *seeker = bpf_map_lookup_elem(&seekers, &pid_tgid);

	return seeker && seeker->socket && seeker->socket != SEEK_SEVERAL ? seeker : NULL;
}

static __always_inline void seek_end(u64 pid_tgid)
{
	if (!bpf_map_delete_elem(&seekers, &pid_tgid))
		seekers_count(-1);
}

#endif

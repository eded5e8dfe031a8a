/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The socket of a connection whose library moves no bytes itself: programs with memory BIOs (event
 * loops) receive outside of its calls, and hand over. What ties both ends is the random of the
 * hello: the library's object keeps it, and here it is noted when it comes out of a socket, as the
 * first bytes that a system call receives.
 *
 * Each side receives the other one's hello. A process that has both sides of a connection sees both
 * hellos, on two sockets, so which of them it is belongs to the key. One that also relays the bytes
 * of a connection of its own sees the same hello on two sockets: then neither is taken.
 */
#ifndef PLAINTAP_BPF_HELLO_H
#define PLAINTAP_BPF_HELLO_H

#include "maps.bpf.h"
#include "receiving.bpf.h"
#include "socket.bpf.h"

enum hello_type { HELLO_CLIENT = 1, HELLO_SERVER = 2 }; /* as on the wire */

enum {
	RANDOM_LEN = 32,
	HELLO_HEAD_LEN = 11, /* of record and message, up to the random */
	HELLO_LEN = HELLO_HEAD_LEN + RANDOM_LEN,
	TLS_HANDSHAKE = 0x16,
	TLS_MAJOR = 3,
};

/* Not a random: the one that every server sends to ask for another hello (RFC 8446, 4.1.3). */
#define RANDOM_OF_RETRY 0x11619ae574ad21cfULL

struct hello_key {
	u32 pid;
	u32 type; /* enum hello_type */
	u8 random[RANDOM_LEN];
};

struct hello_sight {
	struct socket_ends ends;
	struct socket_ref socket;
	u32 is_several; /* the same was received from another socket, too */
	u32 pad32;
};

/*
 * Filled when a watched process receives a hello, deleted when its connection is described; those
 * whose connection never is make room for others.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct hello_key);
	__type(value, struct hello_sight);
} hellos SEC(".maps");

/* Fills the key but for the pid. There are HELLO_LEN bytes at least. */
static __always_inline bool hello_read(u64 buf, struct hello_key *ret)
{
	u8 head[HELLO_HEAD_LEN];

	if (bpf_probe_read_user(head, sizeof(head), (void *)buf))
		return false;
	if (head[0] != TLS_HANDSHAKE || head[1] != TLS_MAJOR || head[6] || head[9] != TLS_MAJOR ||
	    (head[5] != HELLO_CLIENT && head[5] != HELLO_SERVER))
		return false;
	ret->type = head[5];
	return !bpf_probe_read_user(ret->random, RANDOM_LEN, (void *)(buf + HELLO_HEAD_LEN)) &&
	       *(u64 *)ret->random != RANDOM_OF_RETRY;
}

static __always_inline bool ends_differ(const struct socket_ends *a, const struct socket_ends *b)
{
	const u64 *x = (void *)a, *y = (void *)b;
	u64 differ = 0;

	for (u32 i = 0; i < sizeof(*a) / sizeof(*x); i++)
		differ |= x[i] ^ y[i];
	return differ;
}

static __always_inline void hello_note(const struct hello_key *key, struct sock *sk)
{
	struct hello_sight fresh __attribute__((aligned(8))) = {}, *known;

	fresh.socket = socket_ref_of(sk);
	if (!socket_ends_read(sk, &fresh.ends) ||
	    !bpf_map_update_elem(&hellos, key, &fresh, BPF_NOEXIST))
		return;
	known = bpf_map_lookup_elem(&hellos, key);
	if (known && ends_differ(&known->ends, &fresh.ends))
		known->is_several = 1;
}

/* One look, for all programs of the machine: may this running process be watched? */
static __always_inline bool hello_may_matter(const struct capture_control *c, u32 pid)
{
	if (c->watch_all)
		return pid != c->self_pid;
	return c->watched_hint[pid % WATCH_HINT_CNT];
}

/*
 * The same in earnest. Nobody is judged here: a process may still change before its first call of
 * a library.
 */
static __always_inline bool hello_matters(u32 pid)
{
	u32 *state = bpf_map_lookup_elem(&watched, &pid);
	struct capture_control *c = control_get();

	if (state && *state & WATCH_JUDGED)
		return *state & WATCH_IN;
	return state || (c && c->watch_all);
}

/*
 * The running system call has received HELLO_LEN bytes or more from the socket `sock`: if it is a
 * hello, it is noted. Whether the process is watched is asked last, as it is a hello very rarely. A
 * global function, and so with numbers only: the verifier looks at it once.
 */
__noinline int hello_look(u64 sock, u32 pid)
{
	struct hello_key key = { .pid = pid };
	struct receiving r;

	if (receiving_read(&r) && r.len >= HELLO_LEN && hello_read(r.buf, &key) &&
	    hello_matters(pid))
		hello_note(&key, (void *)sock);
	return 0;
}

/* All 0: not known. The key is of no use afterwards. */
static __always_inline void hello_take(const struct hello_key *key, struct rec_address *local,
				       struct rec_address *remote, struct socket_ref *socket)
{
	const struct hello_sight *sight = bpf_map_lookup_elem(&hellos, key);

	if (!sight)
		return;
	if (!sight->is_several) {
		*local = sight->ends.local;
		*remote = sight->ends.remote;
		*socket = sight->socket;
	}
	/* It has made room for another one meanwhile: perhaps that one was read. */
	if (bpf_map_delete_elem(&hellos, key)) {
		__builtin_memset(local, 0, sizeof(*local));
		__builtin_memset(remote, 0, sizeof(*remote));
		__builtin_memset(socket, 0, sizeof(*socket));
	}
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From a descriptor of the running program to the two ends of its socket. Other threads may change
 * the table of descriptors meanwhile, so what is found must point back to where it was found from:
 * the right socket or none.
 */
#ifndef PLAINTAP_BPF_SOCKET_H
#define PLAINTAP_BPF_SOCKET_H

#include "conn_record.h"
#include "file.bpf.h"
#include "kernel_net.bpf.h"

struct socket_ends {
	struct rec_address local, remote;
};

/* NULL: it is no socket, or not open. */
static __always_inline struct sock *socket_of_fd(u32 fd)
{
	struct file *file = file_of_fd(fd);
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & MODE_TYPE_MASK) != MODE_SOCKET)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	if (!socket || BPF_CORE_READ(socket, file) != file)
		return NULL;
	return BPF_CORE_READ(socket, sk);
}

/* All 0: no program holds it (any more). */
static __always_inline struct socket_ref socket_ref_of(struct sock *sk)
{
	u32 ino = sk ? BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino) : 0;

	return (struct socket_ref){ .socket = ino ? (u32)(u64)sk : 0, .ino = ino };
}

/* Only of one that is connected: else a packet may come from anywhere. */
static __always_inline bool inet_ends(struct sock *sk, struct socket_ends *ret)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u16 remote_port = BPF_CORE_READ(sk, __sk_common.skc_dport);

	if (!remote_port)
		return false;
	if (family == AF_INET_) {
		ret->local.len = ret->remote.len = 4;
		BPF_CORE_READ_INTO((u32 *)ret->local.bytes, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((u32 *)ret->remote.bytes, sk, __sk_common.skc_daddr);
	} else {
		/* A kernel without IPv6 has no such fields. */
		if (!bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
			return false;
		ret->local.len = ret->remote.len = 16;
		bpf_probe_read_kernel(ret->local.bytes, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_probe_read_kernel(ret->remote.bytes, 16, &sk->__sk_common.skc_v6_daddr);
	}
	ret->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	ret->remote.port = __builtin_bswap16(remote_port);
	ret->local.family = ret->remote.family = family;
	return true;
}

static __always_inline void unix_end(struct unix_sock *sk, struct rec_address *ret)
{
	struct unix_address *name = BPF_CORE_READ(sk, addr);
	u64 len;

	ret->family = AF_UNIX_;
	if (!name)
		return;
	len = (u32)BPF_CORE_READ(name, len) - sizeof(u16);
	asm volatile("" : "+r"(len));
	if (len > REC_UNIX_PATH_MAX ||
	    bpf_probe_read_kernel(ret->bytes, len, &name->name[0].sun_path))
		return;
	ret->len = len;
}

static __always_inline bool unix_ends(struct sock *sk, struct socket_ends *ret)
{
	struct unix_sock *self = (void *)sk;
	struct unix_sock *peer;

	/* A kernel without Unix sockets, or with them in a module. */
	if (!bpf_core_type_exists(struct unix_sock))
		return false;
	peer = (void *)BPF_CORE_READ(self, peer);
	unix_end(self, &ret->local);
	if (peer)
		unix_end(peer, &ret->remote);
	return true;
}

/* False: of a kind that is not known; *ret, all 0 before, is then as it was. */
static __noinline bool socket_ends_read(struct sock *sk, struct socket_ends *ret)
{
	u16 family;

	if (!sk || !ret)
		return false;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_INET_ || family == AF_INET6_)
		return inet_ends(sk, ret);
	return family == AF_UNIX_ && unix_ends(sk, ret);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's types on the way from a file to the two ends of its socket, as far as they are read.
 */
#ifndef PLAINTAP_BPF_KERNEL_NET_H
#define PLAINTAP_BPF_KERNEL_NET_H

#include "kernel.bpf.h"

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct socket_lock {
	int owned;
} __attribute__((preserve_access_index));

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next;
} __attribute__((preserve_access_index));

struct sk_buff {
	char cb[48];
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	struct socket_lock sk_lock;
	struct sk_buff_head sk_receive_queue;
	u16 sk_type;
} __attribute__((preserve_access_index));

/* Begins with its struct sock. */
struct tcp_sock {
	u32 copied_seq;
} __attribute__((preserve_access_index));

/* In sk_buff.cb of TCP. */
struct tcp_skb_cb {
	u32 seq;
} __attribute__((preserve_access_index));

struct socket {
	struct file *file;
	struct sock *sk;
} __attribute__((preserve_access_index));

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
} __attribute__((preserve_access_index));

struct unix_address {
	int len;
	struct sockaddr_un name[];
} __attribute__((preserve_access_index));

/* Begins with its struct sock. */
struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
} __attribute__((preserve_access_index));

enum { AF_UNIX_ = 1, AF_INET_ = 2, AF_INET6_ = 10, SOCK_STREAM_ = 1 };
enum { MODE_TYPE_MASK = 0170000, MODE_SOCKET = 0140000 };

#endif

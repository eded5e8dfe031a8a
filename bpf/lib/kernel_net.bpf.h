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
	volatile unsigned char skc_state;
	unsigned long skc_flags;
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

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	struct socket_lock sk_lock;
	struct sk_buff_head sk_receive_queue;
	u16 sk_type;
	int sk_err;
	u8 sk_shutdown;
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
enum {
	TCP_SYN_SENT_ = 2,
	TCP_SYN_RECV_ = 3,
	TCP_TIME_WAIT_ = 6,
	TCP_CLOSE_ = 7,
	TCP_LISTEN_ = 10,
	TCP_NEW_SYN_RECV_ = 12,
};
enum { SOCK_DONE_BIT = 1, RCV_SHUTDOWN_ = 1 };
enum { EPIPE_ = 32 };
enum { MODE_TYPE_MASK = 0170000, MODE_SOCKET = 0140000 };

#endif

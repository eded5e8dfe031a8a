/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's types on the way from a descriptor to the two ends of its socket, as far as they are
 * read. What stands behind ___ in a name is not part of it: so other headers may declare other
 * fields of the same type.
 */
#ifndef PLAINTAP_BPF_KERNEL_NET_H
#define PLAINTAP_BPF_KERNEL_NET_H

#include "kernel.bpf.h"

struct in6_addr___net {
	u8 bytes[16];
};

struct sock_common___net {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	struct in6_addr___net skc_v6_daddr;
	struct in6_addr___net skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct socket_lock___net {
	int owned;
} __attribute__((preserve_access_index));

struct sock___net {
	struct sock_common___net __sk_common;
	struct socket_lock___net sk_lock;
} __attribute__((preserve_access_index));

struct socket___net {
	struct file___net *file;
	struct sock___net *sk;
} __attribute__((preserve_access_index));

struct inode___net {
	u16 i_mode;
} __attribute__((preserve_access_index));

struct file___net {
	struct inode___net *f_inode;
	void *private_data;
} __attribute__((preserve_access_index));

struct fdtable___net {
	unsigned int max_fds;
	struct file___net **fd;
} __attribute__((preserve_access_index));

struct files_struct___net {
	struct fdtable___net *fdt;
} __attribute__((preserve_access_index));

struct task_struct___net {
	struct files_struct___net *files;
} __attribute__((preserve_access_index));

struct sockaddr_un___net {
	u16 sun_family;
	char sun_path[108];
} __attribute__((preserve_access_index));

struct unix_address___net {
	int len;
	struct sockaddr_un___net name[];
} __attribute__((preserve_access_index));

/* Begins with its struct sock. */
struct unix_sock___net {
	struct unix_address___net *addr;
	struct sock___net *peer;
} __attribute__((preserve_access_index));

enum { AF_UNIX_ = 1, AF_INET_ = 2, AF_INET6_ = 10 };
enum { MODE_TYPE_MASK = 0170000, MODE_SOCKET = 0140000 };

#endif

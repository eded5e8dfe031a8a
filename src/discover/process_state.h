/* SPDX-License-Identifier: BSD-2-Clause */
/* What about a process can keep its plaintext from being seen. */
#ifndef PLAINTAP_DISCOVER_PROCESS_STATE_H
#define PLAINTAP_DISCOVER_PROCESS_STATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct process_state {
	bool exists;
	bool has_ended; /* it is ending, or a zombie: its parent has not asked for its status */
	bool is_kernel_thread;
	bool is_32bit;
	bool other_mount_ns, other_pid_ns; /* than this process's */
	pid_t leader; /* of the thread group: the pid itself unless it is a thread */
	int seccomp;  /* 0: none, 1: strict, 2: filter; -1: not known */
	char comm[64];
	unsigned tcp_cnt;  /* connected TCP sockets */
	unsigned quic_cnt; /* UDP sockets with port 443 at either end */
	bool sockets_known;
	bool ktls_in_use; /* by somebody in its network namespace */
};

void process_state_read(pid_t pid, struct process_state *ret);
void process_state_read_at(const char *proc_root, pid_t pid, struct process_state *ret);

/* Takes what the text of /proc/PID/status tells; it may be anything. */
void process_state_parse_status(struct str text, struct process_state *s);
/* The same of /proc/PID/stat. */
void process_state_parse_stat(struct str text, struct process_state *s);

/* A socket of /proc/PID/net/tcp, udp and the like. */
struct net_socket {
	unsigned local_port, remote_port, state;
	uint64_t ino;
};

/* Cuts the next line off. 1: a socket; 0: the end; -EBADMSG: no socket (the head is none). */
int net_socket_next(struct str *rest, struct net_socket *ret);

/* True when /proc/net/tls_stat tells of open connections whose records the kernel makes. */
bool ktls_stat_in_use(struct str text);

#endif

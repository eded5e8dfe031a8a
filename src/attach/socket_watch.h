/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs that see what sockets receive and what becomes of them: each is attached where the
 * kernel has its tracepoint, and without them something is known less well, but nothing is missing.
 */
#ifndef PLAINTAP_ATTACH_SOCKET_WATCH_H
#define PLAINTAP_ATTACH_SOCKET_WATCH_H

struct proc_bpf;

/* Before loading: they are not attached with the others. */
void socket_watch_prepare(struct proc_bpf *proc);
/* What cannot be attached is told. The links are those of `proc`. */
void socket_watch_attach(struct proc_bpf *proc);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_PROCESS_INFO_H
#define PLAINTAP_DISCOVER_PROCESS_INFO_H

#include <stdint.h>
#include <sys/types.h>

struct process;

enum { PROCESS_CMDLINE_MAX = 4096 }; /* bytes that are kept, the terminating NUL included */

/*
 * What /proc tells about a process; what it does not tell (or no longer: the process may have
 * ended) stays unknown. One reference; NULL without memory.
 */
struct process *process_info_read(pid_t pid);
struct process *process_info_read_at(const char *proc_root, pid_t pid);

/* Asks for what a process does not share with its parent: ns_pid and started_ns. */
void process_info_read_own(struct process *p);

/* The parent of a process. -ESRCH, -EBADMSG, -errno. */
int process_parent(const char *proc_root, pid_t pid, pid_t *ret);
/* The process that a thread belongs to: `pid` itself unless it is a thread. The same errors. */
int process_leader(const char *proc_root, pid_t pid, pid_t *ret);

/*
 * When the process started, in clock ticks since boot: with the pid it names a process for good.
 * -ESRCH, -EBADMSG, -errno.
 */
int process_start_time(pid_t pid, uint64_t *ret_ticks);
int process_start_time_at(const char *proc_root, pid_t pid, uint64_t *ret_ticks);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_ATTACH_RETURN_PROBE_CHECK_H
#define PLAINTAP_ATTACH_RETURN_PROBE_CHECK_H

enum return_probe_fate {
	RETURN_PROBE_NO_SYSCALL, /* return probes make no system call here: no filter can see it */
	RETURN_PROBE_EXEMPT,	 /* they make one, and the kernel lets it past seccomp filters */
	RETURN_PROBE_FILTERED,	 /* they make one, and a filter that does not know it may kill */
	RETURN_PROBE_NOT_KNOWN,
};

/*
 * What becomes of a return probe in a process with a seccomp filter. From Linux 6.11 on an x86-64
 * return probe makes a system call (uretprobe) of its own, and until 6.14 seccomp filters saw it;
 * container runtimes' lists do not have it. Found by doing, in child processes of our own.
 */
enum return_probe_fate return_probe_check(void);

#endif

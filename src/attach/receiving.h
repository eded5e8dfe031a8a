/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tracepoint at the end of each system call that receives from a socket. A program there costs
 * every receiving program of the machine some 50 ns, whatever it does, so it is there only while a
 * watched process is known to need it (bpf/lib/receivers.bpf.h), and a few seconds more: those that
 * run when plaintap comes may be in the middle of a handshake, and who needs it starts again soon.
 */
#ifndef PLAINTAP_ATTACH_RECEIVING_H
#define PLAINTAP_ATTACH_RECEIVING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bpf_link;
struct capture_control;
struct proc_bpf;

struct receiving {
	struct proc_bpf *proc;		 /* borrowed */
	struct capture_control *control; /* borrowed */
	struct bpf_link *link;		 /* NULL: nothing is attached */
	bool is_for_good;		 /* attached, or impossible: it stays so */
	uint64_t all_until_ns;
	uint64_t needed_until_ns;
};

/* Before the object is loaded. */
void receiving_init(struct receiving *r, struct proc_bpf *proc);
/* After that. Without `on_demand`, which wants threads that wait, it is attached now, for good. */
void receiving_open(struct receiving *r, struct capture_control *control, bool on_demand);
/* All watched processes may need it, for some seconds from now on. */
void receiving_of_all(struct receiving *r, uint64_t now_ns);
/* As a LOAD_RECEIVER record says, a process that does is in the map `receivers` now. */
void receiving_of_process(struct receiving *r, pid_t pid, uint64_t now_ns);
/* It is watched no longer. */
void receiving_forget(struct receiving *r, pid_t pid);
/* Of that map. */
int receiving_receivers_fd(const struct receiving *r);
/* Attaches what is needed, detaches what is not. To be called often. */
void receiving_look(struct receiving *r, uint64_t now_ns);
/* For one that was never opened too. */
void receiving_close(struct receiving *r);

#endif

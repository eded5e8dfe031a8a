// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The life of watched processes: children become watched before they run, ends are told, and what
 * the kernel side kept for a thread goes with it. And one program that user space runs itself.
 */
#include "lib/call.bpf.h"
#include "lib/emit.bpf.h"
#include "lib/file.bpf.h"
#include "lib/seek.bpf.h"
#include "lib/watch.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void emit_process(u32 type, u32 pid, u32 ppid, u32 exit_code)
{
	struct rec_process rec = {};

	rec.head.type = type;
	rec.head.size = sizeof(rec);
	rec.head.ts_ns = bpf_ktime_get_ns();
	rec.pid = pid;
	rec.ppid = ppid;
	rec.exit_code = exit_code;
	emit_fixed(&rec, sizeof(rec));
}

/* Arguments: parent, child. */
SEC("raw_tp/sched_process_fork")
int proc_fork(struct raw_tp_args *ctx)
{
	struct task_struct *parent = (void *)ctx->arg[0];
	struct task_struct *child = (void *)ctx->arg[1];
	u32 ppid = BPF_CORE_READ(parent, tgid);
	u32 pid = BPF_CORE_READ(child, tgid);
	struct capture_control *c = control_get();
	u32 one = 1;

	if (pid == ppid || !process_is_watched(ppid) || (c && c->no_children))
		return 0;
	if (bpf_map_update_elem(&watched, &pid, &one, BPF_ANY))
		STATS_ADD(states_dropped, 1);
	emit_process(REC_FORK, pid, ppid, 0);
	return 0;
}

/* Arguments: task, its tid before, the binary's parameters. */
SEC("raw_tp/sched_process_exec")
int proc_exec(struct raw_tp_args *ctx)
{
	struct task_struct *task = (void *)ctx->arg[0];
	u32 pid = BPF_CORE_READ(task, tgid);

	if (process_is_watched(pid))
		emit_process(REC_EXEC, pid, BPF_CORE_READ(task, real_parent, tgid), 0);
	return 0;
}

/* Argument: task. Called in every thread that ends. */
SEC("raw_tp/sched_process_exit")
int proc_exit(struct raw_tp_args *ctx)
{
	struct task_struct *task = (void *)ctx->arg[0];
	u32 pid = BPF_CORE_READ(task, tgid);
	u64 thread = bpf_get_current_pid_tgid();

	if (!process_is_watched(pid))
		return 0;
	bpf_map_delete_elem(&calls, &thread);
	seek_end(thread);
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	bpf_map_delete_elem(&watched, &pid);
	emit_process(REC_EXIT, pid, BPF_CORE_READ(task, real_parent, tgid),
		     BPF_CORE_READ(task, exit_code));
	return 0;
}

/*
 * Argument: the socket that the running thread has received from. Attached only where the kernel
 * has this tracepoint.
 */
SEC("raw_tp/tcp_rcv_space_adjust")
int proc_received(struct raw_tp_args *ctx)
{
	seek_see((void *)ctx->arg[0]);
	return 0;
}

/* struct file_id, field by field. */
unsigned long long own_file_ino;
unsigned int own_file_dev, own_file_generation;

/*
 * Never attached: user space runs it to name a descriptor of its own as file_identify() does, which
 * fstat() cannot (btrfs, overlayfs). Argument: the descriptor; 0: there is none.
 */
SEC("raw_tp")
int proc_identify_file(struct raw_tp_args *ctx)
{
	struct file_id id = {};
	int found = file_identify(ctx->arg[0], &id);

	own_file_ino = id.ino;
	own_file_dev = id.dev;
	own_file_generation = id.generation;
	return found;
}

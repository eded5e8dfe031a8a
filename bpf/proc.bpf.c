// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The life of watched processes: children become watched before they run, ends are told, and what
 * the kernel side kept for a thread goes with it. And one program that user space runs itself.
 */
#include "lib/call.bpf.h"
#include "lib/emit.bpf.h"
#include "lib/fate.bpf.h"
#include "lib/file.bpf.h"
#include "lib/hello.bpf.h"
#include "lib/home.bpf.h"
#include "lib/load.bpf.h"
#include "lib/receivers.bpf.h"
#include "lib/seek.bpf.h"
#include "lib/watch.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The rest of it is filled in. */
static __always_inline void emit_process_record(struct rec_process *rec, u32 type)
{
	rec->head.type = type;
	rec->head.size = sizeof(*rec);
	rec->head.ts_ns = bpf_ktime_get_ns();
	emit_fixed(rec, sizeof(*rec));
}

static __always_inline void emit_fork(u32 pid, u32 ppid, bool unasked)
{
	struct rec_process rec = { .pid = pid, .ppid = ppid, .unasked = unasked };

	emit_process_record(&rec, REC_FORK);
}

static __always_inline void emit_process(u32 type, u32 pid, u32 ppid, u32 exit_code)
{
	struct rec_process rec = { .pid = pid, .ppid = ppid, .exit_code = exit_code };

	emit_process_record(&rec, type);
}

/* What the child of the running process begins as; 0: as nothing that is kept. */
static __always_inline u32 child_state(const struct capture_control *c, u32 ppid)
{
	u32 state = watch_look(c, ppid);

	if (state & WATCH_FIXED)
		return state;
	/* In a tree that was named, also the children of those that are filtered out count. */
	if (c->watch_all ? state & WATCH_IN : state)
		return WATCH_TOLD;
	return 0;
}

static __always_inline bool share_memory(struct task_struct *a, struct task_struct *b)
{
	return BPF_CORE_READ((struct task_struct___traits *)a, mm) ==
	       BPF_CORE_READ((struct task_struct___traits *)b, mm);
}

/* Arguments: parent, child. The parent runs. */
SEC("raw_tp/sched_process_fork")
int proc_fork(struct raw_tp_args *ctx)
{
	struct task_struct *parent = (void *)ctx->arg[0];
	struct task_struct *child = (void *)ctx->arg[1];
	u32 ppid = BPF_CORE_READ(parent, tgid);
	u32 pid = BPF_CORE_READ(child, tgid);
	struct capture_control *c = control_get();
	u32 state;

	if (pid == ppid || !c || c->no_children)
		return 0;
	if (receiver_is(c, ppid))
		receiver_add(c, pid);
	if (watches_all_unfiltered(c)) {
		if (ppid != c->self_pid)
			emit_fork(pid, ppid, false);
		return 0;
	}
	state = child_state(c, ppid);
	if (state)
		c->watched_hint[pid % WATCH_HINT_CNT] = 1;
	if (state && bpf_map_update_elem(&watched, &pid, &state, BPF_ANY))
		STATS_ADD(states_dropped, 1);
	if (state & WATCH_TOLD)
		emit_fork(pid, ppid, home_must_ask(c, ppid) && !share_memory(parent, child));
	return 0;
}

/*
 * With filters, another program may be out where the one before was in: for user space that is the
 * end of the process if it will never hear of it again, and a change of program if it will.
 */
static __always_inline void exec_filtered(const struct capture_control *c, u32 pid, u32 ppid)
{
	u32 *known = bpf_map_lookup_elem(&watched, &pid);
	u32 before = known ? *known : 0, state;

	if (!known && !c->watch_all)
		return;
	state = before & WATCH_FIXED ? before : watch_judge(c, pid, before & WATCH_TOLD);
	if (state & WATCH_IN) {
		emit_process(REC_EXEC, pid, ppid, 0);
	} else if (c->watch_all && before & WATCH_TOLD) {
		state = WATCH_JUDGED;
		bpf_map_update_elem(&watched, &pid, &state, BPF_ANY);
		emit_process(REC_EXIT, pid, ppid, (u32)-1);
	} else if (before & WATCH_IN) {
		emit_process(REC_EXEC, pid, ppid, 0);
	}
}

/* Arguments: task, its tid before, the binary's parameters. The task runs. */
SEC("raw_tp/sched_process_exec")
int proc_exec(struct raw_tp_args *ctx)
{
	struct task_struct *task = (void *)ctx->arg[0];
	u32 pid = BPF_CORE_READ(task, tgid);
	u32 ppid = BPF_CORE_READ(task, real_parent, tgid);
	struct capture_control *c = control_get();

	if (!c)
		return 0;
	receiver_remove(c, pid);
	/* Not its first thread has executed it, and has become its first one. */
	if ((u32)ctx->arg[1] != pid)
		home_loses_leader(c, pid);
	if (!watches_all_unfiltered(c))
		exec_filtered(c, pid, ppid);
	else if (pid != c->self_pid)
		emit_process(REC_EXEC, pid, ppid, 0);
	return 0;
}

/* What is known of a process that ends; nobody is judged for that. */
static __always_inline u32 ending_state(const struct capture_control *c, u32 pid)
{
	u32 *state;

	if (watches_all_unfiltered(c))
		return pid != c->self_pid ? WATCH_TOLD : 0;
	state = bpf_map_lookup_elem(&watched, &pid);
	return state ? *state : 0;
}

/* Argument: task. Called in every thread that ends. */
SEC("raw_tp/sched_process_exit")
int proc_exit(struct raw_tp_args *ctx)
{
	struct task_struct *task = (void *)ctx->arg[0];
	u32 pid = BPF_CORE_READ(task, tgid);
	u64 thread = bpf_get_current_pid_tgid();
	struct capture_control *c = control_get();
	bool is_last = !BPF_CORE_READ(task, signal, live.counter);
	u32 state;

	if (!c)
		return 0;
	if (is_last)
		receiver_remove(c, pid);
	home_loses_thread(pid, thread, is_last);
	state = ending_state(c, pid);
	if (!state)
		return 0;
	bpf_map_delete_elem(&calls, &thread);
	seek_end(thread);
	if (!is_last)
		return 0;
	bpf_map_delete_elem(&watched, &pid);
	if (state & WATCH_TOLD)
		emit_process(REC_EXIT, pid, BPF_CORE_READ(task, real_parent, tgid),
			     BPF_CORE_READ(task, exit_code));
	return 0;
}

/*
 * Arguments: the socket that the running thread has received from, the result, flags. Since 6.3;
 * attached only where the kernel has this tracepoint, and while it is needed. The whole machine's
 * receiving passes here, so what is nobody's business must leave soon.
 */
SEC("raw_tp/sock_recv_length")
int proc_received(struct raw_tp_args *ctx)
{
	struct capture_control *c;
	u64 sock = ctx->arg[0];
	int len = ctx->arg[1];
	u32 pid;

	if (len <= 0)
		return 0;
	c = control_get();
	if (!c)
		return 0;
	pid = bpf_get_current_pid_tgid() >> 32;
	if (!received_may_matter(c, pid))
		return 0;
	if (*(volatile u32 *)&c->seeker_cnt)
		seek_see_any(sock);
	if (len >= HELLO_LEN)
		hello_look(sock, pid);
	return 0;
}

/*
 * How much has been copied out of the packet in hand, which is at the queue's head, by this call or
 * earlier ones: what a call has received is not told here.
 */
static __always_inline u32 tcp_copied(struct sock *sk)
{
	struct tcp_skb_cb *cb = (void *)&BPF_CORE_READ(sk, sk_receive_queue.next)->cb;

	return BPF_CORE_READ((struct tcp_sock *)sk, copied_seq) - BPF_CORE_READ(cb, seq);
}

/*
 * Argument: the TCP socket that the running thread has received from; or an interrupt has, which is
 * no system call's, and then its socket is not owned. Attached where the kernel has not the above.
 */
SEC("raw_tp/tcp_rcv_space_adjust")
int proc_received_tcp(struct raw_tp_args *ctx)
{
	struct sock *sk = (void *)ctx->arg[0];
	struct capture_control *c = control_get();
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!c || !received_may_matter(c, pid))
		return 0;
	seek_see(sk);
	if (BPF_CORE_READ(sk, sk_lock.owned) && tcp_copied(sk) >= HELLO_LEN)
		hello_look((u64)sk, pid);
	return 0;
}

/* Argument: the socket. These three are attached where the kernel has them; see fate.bpf.h. */
SEC("raw_tp/tcp_receive_reset")
int proc_reset_received(struct raw_tp_args *ctx)
{
	fate_note((void *)ctx->arg[0], FATE_RESET_RECEIVED);
	return 0;
}

/* The same; NULL, if the kernel answers for no socket. */
SEC("raw_tp/tcp_send_reset")
int proc_reset_sent(struct raw_tp_args *ctx)
{
	fate_note((void *)ctx->arg[0], FATE_RESET_SENT);
	return 0;
}

/* The same, whose error was just set: of any kind. Since 5.15. */
SEC("raw_tp/inet_sk_error_report")
int proc_socket_error(struct raw_tp_args *ctx)
{
	struct sock *sk = (void *)ctx->arg[0];

	if (BPF_CORE_READ(sk, sk_err) == CLOSING_ERROR_TIMEOUT)
		fate_note(sk, FATE_TIMED_OUT);
	return 0;
}

/*
 * In the loader, where it tells debuggers what it has loaded. Loaded only where the kernel has
 * loops and cookies; made to sleep, and given its kind of link, by user space.
 */
SEC("uprobe")
int proc_loaded(struct pt_regs *ctx)
{
	keep_kernel_stack(ctx);
	load_see(ctx);
	return 0;
}

/* In functions of home's that fork. The same holds. */
SEC("uprobe")
int proc_forking(struct pt_regs *ctx)
{
	keep_kernel_stack(ctx);
	load_see_fork(ctx);
	return 0;
}

/* In functions that execute a program. Loaded only where a thread may wait in it. */
SEC("uprobe")
int proc_executing(struct pt_regs *ctx)
{
	keep_kernel_stack(ctx);
	load_see_exec(ctx);
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

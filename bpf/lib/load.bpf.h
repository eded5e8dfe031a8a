/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which files a process has loaded, seen where its loader would tell a debugger: all of them are
 * mapped then, and no code of theirs has run. If one of them was never seen before, user space is
 * told, and the thread waits until it has put its probes there. The same before a program is
 * executed, as it may have no loader, or one that is not probed.
 */
#ifndef PLAINTAP_BPF_LOAD_H
#define PLAINTAP_BPF_LOAD_H

#include "hold.bpf.h"
#include "home.bpf.h"
#include "kernel_task.bpf.h"
#include "load_record.h"
#include "watch.bpf.h"

struct vm_area_struct {
	struct file *vm_file;
} __attribute__((preserve_access_index));

/*
 * Key: struct file_id; value: 1. Files that user space has looked at in some process. Filled here;
 * the oldest make room. One too few costs a look.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct file_id);
	__type(value, u32);
} known_files SEC(".maps");

/*
 * Records of programs that are about to be executed, one for each. They would wait in `ring` until
 * all that lies before them is taken, longer than answering them takes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EXEC_RING_SIZE);
} exec_ring SEC(".maps");

enum { ERR_BUSY = 16, LOAD_AT_FDCWD = -100 };

enum {
	LOADED_MAX = 1024, /* files of one process that are looked at */
};

#define LOAD_HOLD_NS 500000000ull

/* As <link.h> has them, for 64-bit programs. */
struct user_r_debug {
	u32 version;
	u32 pad32;
	u64 map;
	u64 breakpoint;
	u32 state; /* 0: nothing is being added or removed */
};

struct user_link_map {
	u64 addr;
	u64 name;
	u64 dynamic; /* its dynamic section: an address inside of the file's mapping */
	u64 next;
};

struct load_walk {
	u64 at; /* next user_link_map */
	u32 unknown_cnt;
	u32 to_be_known; /* 1: they are noted as known */
	u32 pid;
	u32 pad32;
};

static __always_inline bool load_lacks_probes(const struct load_walk *w, const struct file_id *id)
{
	struct capture_control *c = control_get();

	return c && home_lacks(c, w->pid, id);
}

static long load_see_vma(struct task_struct *task, struct vm_area_struct *vma, void *user)
{
	struct inode *inode = BPF_CORE_READ(vma, vm_file, f_inode);
	struct load_walk *w = user;
	struct file_id id = {};
	u32 one = 1;

	if (!inode)
		return 0;
	id.ino = BPF_CORE_READ(inode, i_ino);
	id.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	id.generation = BPF_CORE_READ(inode, i_generation);
	if (bpf_map_lookup_elem(&known_files, &id) && !load_lacks_probes(w, &id))
		return 0;
	w->unknown_cnt++;
	if (w->to_be_known)
		bpf_map_update_elem(&known_files, &id, &one, BPF_ANY);
	return 0;
}

/* A lock that cannot be had at once: then it counts as unknown. */
static long load_step(u32 index, void *user)
{
	struct load_walk *w = user;
	struct user_link_map m;

	if (!w->at || bpf_probe_read_user(&m, sizeof(m), (void *)w->at))
		return 1;
	w->at = m.next;
	if (bpf_find_vma(bpf_get_current_task_btf(), m.dynamic, load_see_vma, w, 0) == -ERR_BUSY)
		w->unknown_cnt++;
	return 0;
}

static __always_inline u32 load_count_unknown(u64 first, bool to_be_known)
{
	/* Any number: the verifier would look at each count one by one, starting from one it knows.
	 */
	u32 start = bpf_get_prandom_u32();
	struct load_walk w = {
		.at = first,
		.unknown_cnt = start,
		.to_be_known = to_be_known,
		.pid = bpf_get_current_pid_tgid() >> 32,
	};

	bpf_loop(LOADED_MAX, load_step, &w, 0);
	return w.unknown_cnt - start;
}

/* First user_link_map when all is in place; 0: not now, or it cannot be read. */
static __always_inline u64 load_list(struct pt_regs *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx);
	u64 at = REGS_IP(ctx) + LOADER_COOKIE_DISTANCE(cookie);
	struct user_r_debug debug;

	if (LOADER_COOKIE_IS_POINTER(cookie) && bpf_probe_read_user(&at, sizeof(at), (void *)at))
		return 0;
	if (bpf_probe_read_user(&debug, sizeof(debug), (void *)at) || debug.state)
		return 0;
	return debug.map;
}

/* False: there is no room, so nobody will look. */
static __always_inline bool load_tell(struct rec_load *rec, u32 why)
{
	void *to = why == LOAD_EXEC ? (void *)&exec_ring : (void *)&ring;

	/* Whatever the consumer does: somebody waits. */
	if (!bpf_ringbuf_output(to, rec, sizeof(*rec), BPF_RB_FORCE_WAKEUP))
		return true;
	STATS_ADD(records_ring_full, 1);
	return false;
}

/*
 * User space is told, and the thread waits for it; what it is told for is filled in, and all else
 * here. False: it goes on unseen, or is not seen yet.
 */
static __always_inline bool load_ask(struct capture_control *c, u64 thread, u32 why,
				     struct rec_load *rec)
{
	enum hold_end end;
	bool is_held;

	rec->head.type = REC_LOAD;
	rec->head.size = sizeof(*rec);
	rec->head.ts_ns = bpf_ktime_get_ns();
	rec->pid = thread >> 32;
	rec->tid = (u32)thread;
	/* Older verifiers do not follow it through memory, and refuse the wait where it cannot be.
	 */
	is_held = may_hold && hold_begin(thread, rec->head.ts_ns);
	rec->is_held = is_held;
	rec->why = why;
	/* Of use only before the program runs. */
	if (why == LOAD_EXEC && !is_held)
		return false;
	if (!load_tell(rec, why)) {
		hold_cancel(thread);
		return false;
	}
	if (!is_held)
		return true;
	end = hold_wait(thread, LOAD_HOLD_NS);
	if (!end)
		__sync_fetch_and_add(&c->held_in_vain, 1);
	return end == HOLD_LET_GO;
}

static __always_inline void load_see(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid(), first;
	struct capture_control *c = control_get();
	struct rec_load rec = {};

	if (!c || !process_may_be_watched(thread >> 32))
		return;
	first = load_list(ctx);
	rec.file_cnt = first ? load_count_unknown(first, false) : 0;
	if (!rec.file_cnt)
		return;
	home_has_loaded(c, thread >> 32);
	if (load_ask(c, thread, LOAD_FILES, &rec))
		load_count_unknown(first, true);
}

enum { CLONE_VM = 0x100 };

/*
 * Where home is about to fork. A child that shares its memory only until it executes something is
 * of no interest. Whoever does not wait here is found out by proc_fork().
 */
static __always_inline void load_see_fork(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct capture_control *c = control_get();
	struct rec_load rec = {};
	bool shares_memory = bpf_get_attach_cookie(ctx) & FORK_COOKIE_HAS_FLAGS &&
			     REGS_ARG2(ctx) & CLONE_VM;

	if (c && !shares_memory && home_must_ask(c, thread >> 32))
		load_ask(c, thread, LOAD_FORK, &rec);
}

/*
 * Where a process is about to execute a program. Which file that is cannot be found out here, nor
 * whether it is known: so user space looks each time. One that is named wrongly is let go at once.
 */
static __always_inline void load_see_exec(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid(), cookie = bpf_get_attach_cookie(ctx);
	struct rec_load rec = { .dir_fd = LOAD_AT_FDCWD };
	u64 arg0 = REGS_ARG0(ctx), arg1 = REGS_ARG1(ctx);
	struct capture_control *c = control_get();

	if (!c || !program_may_be_watched(thread >> 32))
		return;
	if (c->unasked_exec == (u32)(thread >> 32)) {
		c->unasked_exec = 0;
		return;
	}
	/* Read by now, at offsets that the verifier knows. */
	asm volatile("" : "+r"(arg0), "+r"(arg1));
	if (cookie != EXEC_COOKIE_PATH)
		rec.dir_fd = arg0;
	if (cookie != EXEC_COOKIE_FD)
		rec.path_addr = cookie == EXEC_COOKIE_PATH ? arg0 : arg1;
	load_ask(c, thread, LOAD_EXEC, &rec);
}

#endif

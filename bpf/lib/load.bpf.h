/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which files a process has loaded, seen where its loader would tell a debugger: all of them are
 * mapped then, and no code of theirs has run. If one of them was never seen before, user space is
 * told, and the thread waits here until it has put its probes there.
 *
 * The waiting is busy, but gives way: bpf_copy_from_user_task() lets others run who want the
 * processor, and fails as soon as the thread is to be killed. Nothing is ever left waiting: it ends
 * after HOLD_NS by itself, whatever has become of plaintap. And it does not show: no signal, no
 * state that a parent or a shell would see.
 */
#ifndef PLAINTAP_BPF_LOAD_H
#define PLAINTAP_BPF_LOAD_H

#include "kernel_task.bpf.h"
#include "load_record.h"
#include "regs.bpf.h"
#include "watch.bpf.h"

struct vm_area_struct {
	struct file *vm_file;
} __attribute__((preserve_access_index));

/* Set by user space before loading. */
const volatile bool may_hold = false;

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

/* Key: pid and tid of a thread that waits. Filled here; deleted by user space to let it go, or
 * here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u32);
} held SEC(".maps");

enum { ERR_BUSY = 16 };

enum {
	LOADED_MAX = 1024,	 /* files of one process that are looked at */
	HOLD_STEP_MAX = 1 << 23, /* what bpf_loop() takes */
};

#define HOLD_NS 500000000ull

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
};

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
	if (bpf_map_lookup_elem(&known_files, &id))
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
	struct load_walk w = { first, start, to_be_known };

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

static __always_inline bool control_may_hold(void)
{
	struct capture_control *c = control_get();

	return c && *(volatile u32 *)&c->hold == HOLD_ON;
}

struct hold {
	u64 thread;
	u64 give_up_ns;
	u64 stack; /* an address that can be read */
	u64 is_let_go;
};

static long hold_step(u32 index, void *user)
{
	struct hold *h = user;
	u8 byte;

	h->is_let_go = !bpf_map_lookup_elem(&held, &h->thread) || !control_may_hold();
	return h->is_let_go || bpf_ktime_get_ns() >= h->give_up_ns ||
	       bpf_copy_from_user_task(&byte, 1, (void *)h->stack, bpf_get_current_task_btf(), 0);
}

/* False: there is no room, so nobody will look. */
static __always_inline bool load_tell(u64 thread, u32 file_cnt, bool is_held)
{
	struct rec_load rec = {
		.head = { REC_LOAD, sizeof(rec), bpf_ktime_get_ns() },
		.pid = thread >> 32,
		.tid = (u32)thread,
		.file_cnt = file_cnt,
		.is_held = is_held,
	};

	/* Whatever the consumer does: somebody waits. */
	if (!bpf_ringbuf_output(&ring, &rec, sizeof(rec), BPF_RB_FORCE_WAKEUP))
		return true;
	STATS_ADD(records_ring_full, 1);
	return false;
}

/* True: user space has looked. */
static __always_inline bool load_wait(struct pt_regs *ctx, u64 thread)
{
	struct hold h = {
		.thread = thread,
		.give_up_ns = bpf_ktime_get_ns() + HOLD_NS,
		.stack = REGS_STACK(ctx),
	};

	bpf_loop(HOLD_STEP_MAX, hold_step, &h, 0);
	bpf_map_delete_elem(&held, &thread);
	return h.is_let_go;
}

/* Who is not there to let it go shall not keep the next ones. */
static __always_inline void load_waited_in_vain(void)
{
	struct capture_control *c = control_get();

	if (!c)
		return;
	c->hold = HOLD_SUSPENDED;
	__sync_fetch_and_add(&c->held_in_vain, 1);
}

static __always_inline void load_see(struct pt_regs *ctx)
{
	u64 thread = bpf_get_current_pid_tgid(), first;
	u32 cnt, one = 1;
	bool is_held;

	if (!process_may_be_watched(thread >> 32))
		return;
	first = load_list(ctx);
	cnt = first ? load_count_unknown(first, false) : 0;
	if (!cnt)
		return;
	is_held = may_hold && control_may_hold() &&
		  !bpf_map_update_elem(&held, &thread, &one, BPF_ANY);
	if (!load_tell(thread, cnt, is_held))
		bpf_map_delete_elem(&held, &thread);
	else if (is_held && !load_wait(ctx, thread))
		load_waited_in_vain();
	else
		load_count_unknown(first, true);
}

#endif

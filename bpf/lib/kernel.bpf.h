/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's types as far as they are read: every field here is relocated to where the running
 * kernel has it (CO-RE), so no dump of another machine's types is needed.
 */
#ifndef PLAINTAP_BPF_KERNEL_H
#define PLAINTAP_BPF_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "kfunc_numbers.h"

#ifndef NULL
#define NULL ((void *)0)
#endif

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads of the process that have not begun to exit */
} __attribute__((preserve_access_index));

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
} __attribute__((preserve_access_index));

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	u32 i_generation;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
	void *private_data;
} __attribute__((preserve_access_index));

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} __attribute__((preserve_access_index));

struct files_struct {
	struct fdtable *fdt;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *real_parent;
	struct signal_struct *signal;
	struct files_struct *files;
} __attribute__((preserve_access_index));

/*
 * To stand in every program for uprobes, with the context as argument; does nothing at run time.
 *
 * From 6.13 on the kernel may give a program a "private" stack: one per CPU. It relies on the check
 * against recursion that other programs have. Uprobes have none, and may be preempted: then two
 * threads on one CPU share that stack, and the kernel crashes in the ring buffer (seen on 7.2). A
 * program in which a tail call stands, reached or not, is never given one.
 */
const volatile bool has_tail_call = false;

static __always_inline void keep_kernel_stack(void *ctx)
{
	if (has_tail_call)
		bpf_tail_call(ctx, NULL, 0);
}

/* Context of a raw tracepoint. */
struct raw_tp_args {
	u64 arg[3];
};

/*
 * Kernel functions. These are numbers that no helper has, and user space puts the kernel's own in
 * their place (src/attach/kfuncs.c): libbpf would parse all of the kernel's types to find them. And
 * it would refuse the first two, whose declaration has changed: 6.13 has them without an argument,
 * 7.0 with the context. As the argument does no harm where it is not taken, one way of calling fits
 * both.
 */
static bool (*const bpf_session_is_return)(void *ctx) = (void *)KFUNC_NUMBER_SESSION_IS_RETURN;
static u64 *(*const bpf_session_cookie)(void *ctx) = (void *)KFUNC_NUMBER_SESSION_COOKIE;
static int (*const bpf_probe_read_user_dynptr)(struct bpf_dynptr *dst, u32 off, u32 len,
					       const void *unsafe_src) = (void *)
	KFUNC_NUMBER_READ_USER_DYNPTR;

#endif

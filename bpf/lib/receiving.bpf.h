/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where the system call that the running thread is in puts what it receives from a socket. */
#ifndef PLAINTAP_BPF_RECEIVING_H
#define PLAINTAP_BPF_RECEIVING_H

#include "kernel.bpf.h"
#include "regs.bpf.h"

/* As in the program's struct iovec. */
struct receiving {
	u64 buf, len;
};

struct task_struct___stack {
	void *stack;
} __attribute__((preserve_access_index));

enum {
	/* Of kernels without the helper, with pages of 4 KiB. */
	KERNEL_STACK_SIZE = 16384,
	MSGHDR_IOV = 16, /* in the program's struct msghdr */
	/* MSG_TRUNC: the bytes are thrown away. MSG_ERRQUEUE: they are not the socket's. */
	MSG_NO_BYTES = 0x20 | 0x2000,
};

#if defined(__TARGET_ARCH_x86)

enum { CALL_READ = 0, CALL_READV = 19, CALL_RECVFROM = 45, CALL_RECVMSG = 47 };

#define CALL_NUMBER orig_ax
#define CALL_ARG1   si
#define CALL_ARG2   dx
#define CALL_ARG3   r10

#elif defined(__TARGET_ARCH_arm64)

enum { CALL_READ = 63, CALL_READV = 65, CALL_RECVFROM = 207, CALL_RECVMSG = 212 };

#define CALL_NUMBER regs[8]
#define CALL_ARG1   regs[1]
#define CALL_ARG2   regs[2]
#define CALL_ARG3   regs[3]

#endif

/* Of the system call under way; the program's registers hold them to its end. */
struct call_regs {
	u64 number, arg1, arg2, arg3;
};

static __always_inline u64 kernel_word(const u64 *at)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), at);
	return value;
}

/* Outside of a system call what is there is any number. */
static __always_inline void call_regs_read(struct call_regs *ret)
{
	struct task_struct___stack *task;
	struct pt_regs *regs;

	/* Since 5.15. What it gives may be read without a call of the kernel each time. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
		ret->number = regs->CALL_NUMBER;
		ret->arg1 = regs->CALL_ARG1;
		ret->arg2 = regs->CALL_ARG2;
		ret->arg3 = regs->CALL_ARG3;
		return;
	}
	task = (void *)bpf_get_current_task();
	regs = BPF_CORE_READ(task, stack) + KERNEL_STACK_SIZE - bpf_core_type_size(struct pt_regs);
	ret->number = kernel_word(&regs->CALL_NUMBER);
	ret->arg1 = kernel_word(&regs->CALL_ARG1);
	ret->arg2 = kernel_word(&regs->CALL_ARG2);
	ret->arg3 = kernel_word(&regs->CALL_ARG3);
}

/* False: it is no call that receives, or one that does not hand the socket's bytes on. */
static __always_inline bool receiving_read(struct receiving *ret)
{
	u64 iov = 0, flags = 0;
	struct call_regs regs;

	call_regs_read(&regs);
	switch (regs.number) {
	case CALL_RECVFROM:
		flags = regs.arg3;
	case CALL_READ:
		ret->buf = regs.arg1;
		ret->len = regs.arg2;
		return !(flags & MSG_NO_BYTES);
	case CALL_RECVMSG:
		flags = regs.arg2;
		if (bpf_probe_read_user(&iov, sizeof(iov), (void *)(regs.arg1 + MSGHDR_IOV)))
			return false;
		break;
	case CALL_READV:
		iov = regs.arg1;
		break;
	default:
		return false;
	}
	return !(flags & MSG_NO_BYTES) && !bpf_probe_read_user(ret, sizeof(*ret), (void *)iov);
}

#endif

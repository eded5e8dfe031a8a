/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Arguments and result of a user function, by the calling convention of the machine. The layouts
 * are those of the stable user ABI (asm/ptrace.h).
 */
#ifndef PLAINTAP_BPF_REGS_H
#define PLAINTAP_BPF_REGS_H

#include "kernel.bpf.h"

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	u64 ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

#define REGS_ARG0(ctx)	 ((ctx)->di)
#define REGS_ARG1(ctx)	 ((ctx)->si)
#define REGS_ARG2(ctx)	 ((ctx)->dx)
#define REGS_ARG3(ctx)	 ((ctx)->cx)
#define REGS_ARG4(ctx)	 ((ctx)->r8)
#define REGS_RESULT(ctx) ((ctx)->ax)
/* The stack pointer as the caller has it: on entry the return address is still to be popped. */
#define REGS_ENTRY_FRAME(ctx)  ((ctx)->sp + 8)
#define REGS_RETURN_FRAME(ctx) ((ctx)->sp)
#define REGS_IP(ctx)	       ((ctx)->ip)
#define REGS_STACK(ctx)	       ((ctx)->sp)

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
};

#define REGS_ARG0(ctx)	       ((ctx)->regs[0])
#define REGS_ARG1(ctx)	       ((ctx)->regs[1])
#define REGS_ARG2(ctx)	       ((ctx)->regs[2])
#define REGS_ARG3(ctx)	       ((ctx)->regs[3])
#define REGS_ARG4(ctx)	       ((ctx)->regs[4])
#define REGS_RESULT(ctx)       ((ctx)->regs[0])
#define REGS_ENTRY_FRAME(ctx)  ((ctx)->sp)
#define REGS_RETURN_FRAME(ctx) ((ctx)->sp)
#define REGS_IP(ctx)	       ((ctx)->pc)
#define REGS_STACK(ctx)	       ((ctx)->sp)

#else
#error "no calling convention for this machine"
#endif

#endif

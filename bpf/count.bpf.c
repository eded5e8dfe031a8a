// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * How often a place is reached: one program a place, as not every kernel tells a program which
 * place was hit. At entries only: a return probe costs the program more, and is not needed.
 */
#include "lib/kernel.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* One for each program below; user space reads. */
unsigned long long hits[12];

#define COUNT(n)                                   \
	SEC("uprobe")                              \
	int count_##n(void *ctx)                   \
	{                                          \
		keep_kernel_stack(ctx);            \
		__sync_fetch_and_add(&hits[n], 1); \
		return 0;                          \
	}

COUNT(0)
COUNT(1)
COUNT(2)
COUNT(3)
COUNT(4)
COUNT(5)
COUNT(6)
COUNT(7)
COUNT(8)
COUNT(9)
COUNT(10)
COUNT(11)

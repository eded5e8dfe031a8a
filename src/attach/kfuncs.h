/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel functions that programs call by a stand-in number (abi/kfunc_numbers.h): libbpf refuses a
 * function whose declaration differs from the kernel's, and these have two, by the kernel's age.
 */
#ifndef PLAINTAP_ATTACH_KFUNCS_H
#define PLAINTAP_ATTACH_KFUNCS_H

#include <stdint.h>

struct bpf_program;

enum { KFUNC_CNT = 2 };

/* Their ids in the running kernel's types; negative: not there. */
struct kfuncs {
	int32_t id[KFUNC_CNT];
};

/* Reads the kernel's types, which takes milliseconds. */
int kfuncs_find(struct kfuncs *ret);
/*
 * Between opening and loading: makes the stand-ins in `prog` calls of the kernel's functions.
 * -ENOENT: the kernel has not got one of them, and the program must not be loaded.
 */
int kfuncs_link(const struct kfuncs *k, struct bpf_program *prog);

#endif

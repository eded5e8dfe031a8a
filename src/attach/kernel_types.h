/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The running kernel's types, read once. libbpf would parse all of them, some megabytes, for every
 * object that it loads, and search them for every field that a program reads. So what our programs
 * ask for is copied into a small file, and libbpf is told to take that.
 */
#ifndef PLAINTAP_ATTACH_KERNEL_TYPES_H
#define PLAINTAP_ATTACH_KERNEL_TYPES_H

#include <stddef.h>

#include "kfuncs.h"

struct btf;

struct kernel_types {
	int fd;	       /* owned */
	char path[32]; /* for bpf_object_open_opts.btf_custom_path; empty until it is filled */
};

int kernel_types_open(struct kernel_types *t);
/*
 * Fills the file with all types of the kernel that are named in `users`, the types of BPF objects
 * (what follows "___" in a name there is ours), and with whatever these contain. Pointers are to
 * void, which is as far as they matter. Finds the kernel's functions by the way. -ENOENT: the
 * kernel does not tell its types.
 */
int kernel_types_fill(struct kernel_types *t, const struct btf *const *users, size_t user_cnt,
		      struct kfuncs *ret_functions);
void kernel_types_close(struct kernel_types *t);

#endif

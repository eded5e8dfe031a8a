/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The running kernel's types. libbpf would read all of them, some megabytes, for every object that
 * it loads. So what our programs ask for is put into a small file, and libbpf is told to take that.
 */
#ifndef PLAINTAP_ATTACH_KERNEL_TYPES_H
#define PLAINTAP_ATTACH_KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "btf_excerpt.h"
#include "kfuncs.h"

struct btf;

/* All of them, as the kernel has them. */
struct kernel_btf {
	void *data;
	size_t size;
	bool is_mapped; /* from 6.16 on; else it is a copy */
	struct btf_whole whole;
};

/* -ENOENT: the kernel does not tell its types; -EINVAL: they are not understood. */
int kernel_btf_open(struct kernel_btf *b);
void kernel_btf_close(struct kernel_btf *b);

struct kernel_types {
	int fd;	       /* owned */
	char path[32]; /* for bpf_object_open_opts.btf_custom_path; empty until it is filled */
};

int kernel_types_open(struct kernel_types *t);
/*
 * Fills the file with an excerpt for `users`, the types of BPF objects (btf_excerpt.h), and finds
 * the kernel's functions by the way. -ENOENT: the kernel does not tell its types.
 */
int kernel_types_fill(struct kernel_types *t, const struct btf *const *users, size_t user_cnt,
		      struct kfuncs *ret_functions);
void kernel_types_close(struct kernel_types *t);

#endif

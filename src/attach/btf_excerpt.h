/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's types (BTF: 100,000 and more) cut down to the few that our programs ask for.
 *
 * libbpf copies, checks and searches all of them for every object that is loaded: megabytes, and
 * most of the time of a start; even one struct btf of them takes as long as all else here. An
 * excerpt holds some hundred, each with all that lies in it by value, so the places and sizes of
 * fields are found as in the whole. Pointers are to void, which is as far as they matter. It is of
 * no use to programs that ask for the number of a type, as numbers differ.
 */
#ifndef PLAINTAP_ATTACH_BTF_EXCERPT_H
#define PLAINTAP_ATTACH_BTF_EXCERPT_H

#include <stddef.h>
#include <stdint.h>

struct btf;
struct buf;

/* The types of one kernel, in its own byte order. */
struct btf_whole {
	const uint8_t *types; /* borrowed */
	const char *strings;
	uint32_t types_len, strings_len;
	uint32_t *places; /* where in `types` each number is */
	uint32_t cnt;	  /* number 0, which is void, included */
};

/* `data`: as in /sys/kernel/btf/vmlinux; borrowed until done. -EINVAL: not understood; -ENOMEM. */
int btf_whole_init(struct btf_whole *w, const void *data, size_t size);
void btf_whole_done(struct btf_whole *w);

/* The number of a function, or -ENOENT. */
int32_t btf_whole_find_func(const struct btf_whole *w, const char *name);

/*
 * Appends the excerpt to `ret`: the structs, unions, enums and typedefs that have the name of one
 * in `users`, the types of BPF objects (what follows "___" in a name there is ours). -EINVAL,
 * -ENOMEM, -ENOBUFS: `ret` may have grown.
 */
int btf_excerpt(const struct btf_whole *w, const struct btf *const *users, size_t user_cnt,
		struct buf *ret);

#endif

// SPDX-License-Identifier: BSD-2-Clause
/* The small file of the kernel's types says of them what the kernel does. Needs no root. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "attach/kernel_types.h"
#include "tap.h"

enum { SMALL = 1 << 20 };

static const struct btf_member *find_member(const struct btf *btf, const char *type,
					    const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name))
			return &btf_members(t)[i];
	return NULL;
}

static void check_member(const struct btf *small, const struct btf *kernel, const char *type,
			 const char *name)
{
	const struct btf_member *a = find_member(small, type, name);
	const struct btf_member *b = find_member(kernel, type, name);

	if (!OK_MSG(a && b, "both have %s.%s", type, name))
		return;
	OK_MSG(a->offset == b->offset, "%s.%s is where it is", type, name);
	INT_EQ(btf__resolve_size(small, a->type), btf__resolve_size(kernel, b->type));
}

/* What a BPF object would ask for; the second is another way to look at the first. */
static struct btf *make_user(void)
{
	struct btf *user = btf__new_empty();

	btf__add_struct(user, "task_struct", 8);
	btf__add_struct(user, "task_struct___other", 8);
	btf__add_struct(user, "no_such_type_in_any_kernel", 8);
	return user;
}

static void test_small_file(void)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *user = make_user(), *small;
	const struct btf *const users[] = { user };
	struct kernel_types t;
	struct kfuncs functions, again;
	uint32_t size = 0;

	if (!kernel) {
		tap_skip("kernel types", "this kernel does not tell its types");
		return;
	}
	INT_EQ(kernel_types_open(&t), 0);
	INT_EQ(kernel_types_fill(&t, users, 1, &functions), 0);
	small = btf__parse(t.path, NULL);
	if (!OK_MSG(small != NULL, "libbpf reads it"))
		return;
	btf__raw_data(small, &size);
	OK_MSG(size > 0 && size < SMALL, "%u bytes", size);
	check_member(small, kernel, "task_struct", "pid");
	check_member(small, kernel, "task_struct", "comm");
	/* A pointer, and a struct inside of the struct. */
	check_member(small, kernel, "task_struct", "real_parent");
	check_member(small, kernel, "task_struct", "se");
	check_member(small, kernel, "sched_entity", "exec_start");
	OK(btf__find_by_name_kind(small, "no_such_type_in_any_kernel", BTF_KIND_STRUCT) < 0);
	OK_MSG(btf__find_by_name_kind(small, "super_block", BTF_KIND_STRUCT) < 0,
	       "what is only pointed at is left out");
	INT_EQ(kfuncs_find(&again), 0);
	OK(!memcmp(&functions, &again, sizeof(again)));
	INT_EQ(functions.id[KFUNC_SESSION_COOKIE],
	       btf__find_by_name_kind(kernel, "bpf_session_cookie", BTF_KIND_FUNC));
	btf__free(small);
	kernel_types_close(&t);
	btf__free(user);
	btf__free(kernel);
}

int main(void)
{
	RUN(test_small_file);
	return tap_done();
}

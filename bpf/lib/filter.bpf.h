/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Judges the running process: do the filters let it in? Of one trait any wanted value will do, all
 * traits must agree, and one refused value keeps it out.
 */
#ifndef PLAINTAP_BPF_FILTER_H
#define PLAINTAP_BPF_FILTER_H

#include "kernel_task.bpf.h"
#include "maps.bpf.h"

/* Key: a trait's value; value: set of enum trait_wish. Filled by user space before the start. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct trait_key);
	__type(value, u32);
} filters SEC(".maps");

/* Set by user space before loading: where it is false no trait is ever asked for. */
const volatile bool may_ask_traits = false;

/*
 * How far a control group is followed up, and how many hierarchies are looked at: more than there
 * are controllers, as version 1 has hierarchies by name, too.
 */
enum { CGROUP_DEPTH_MAX = 24, HIERARCHY_MAX = 32 };

static __always_inline u32 trait_wish(const struct trait_key *key)
{
	u32 *wish = bpf_map_lookup_elem(&filters, key);

	return wish ? *wish : 0;
}

static __always_inline u32 wish_for_comm(struct task_struct___traits *task)
{
	struct trait_key key = { .trait = TRAIT_COMM };
	char *comm = (char *)key.value;

	BPF_CORE_READ_STR_INTO((char(*)[COMM_LEN])comm, task, group_leader, comm);
	return trait_wish(&key);
}

static __always_inline u32 wish_for_uid(void)
{
	struct trait_key key = { .trait = TRAIT_UID };

	key.value[0] = (u32)bpf_get_current_uid_gid();
	return trait_wish(&key);
}

static __always_inline u32 wish_for_exe(struct task_struct___traits *task)
{
	struct trait_key key = { .trait = TRAIT_EXE };
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	if (!inode)
		return 0;
	key.value[0] = BPF_CORE_READ(inode, i_ino);
	key.value[1] = (u64)BPF_CORE_READ(inode, i_generation) << 32 |
		       BPF_CORE_READ(inode, i_sb, s_dev);
	return trait_wish(&key);
}

static __always_inline u32 wish_for_netns(struct task_struct___traits *task)
{
	struct trait_key key = { .trait = TRAIT_NETNS };

	key.value[0] = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	return trait_wish(&key);
}

/*
 * Of the group and of all above it, so that a group stands for its descendants too. A global
 * function: else the verifier would walk all hierarchies' loops one in the other.
 */
__noinline u32 wish_for_group(u64 group, u64 hierarchy)
{
	struct trait_key key = { .trait = TRAIT_CGROUP, .value = { 0, hierarchy } };
	struct cgroup *cgroup = (void *)group;
	u32 wish = 0;

	for (int i = 0; i < CGROUP_DEPTH_MAX && cgroup; i++) {
		key.value[0] = BPF_CORE_READ(cgroup, kn, id);
		wish |= trait_wish(&key);
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return wish;
}

/*
 * In all hierarchies. They are linked to the task's set of groups, also version 2's, and those that
 * have a name only, which no subsystem leads to.
 */
static __always_inline u32 wish_for_cgroup(struct task_struct___traits *task)
{
	u64 link_at = bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct list_head *head = &set->cgrp_links;
	struct list_head *at = BPF_CORE_READ(head, next);
	u32 wish = 0;

	for (int i = 0; i < HIERARCHY_MAX && at && at != head; i++) {
		struct cgrp_cset_link *link = (void *)at - link_at;
		struct cgroup *cgroup = BPF_CORE_READ(link, cgrp);

		wish |= wish_for_group((u64)cgroup, (u32)BPF_CORE_READ(cgroup, root, hierarchy_id));
		at = BPF_CORE_READ(at, next);
	}
	return wish;
}

#define PASSES(trait, wish) (!(asked & FILTERS_ASK_FOR(trait)) || trait_passes(asked, trait, wish))

/*
 * `asked`: capture_control.filters. Called once a process. A global function, and so with numbers
 * only: the verifier looks at it once and not at every call.
 */
__noinline int filters_let_in(u32 asked)
{
	struct task_struct___traits *task = (void *)bpf_get_current_task();

	if (!may_ask_traits)
		return 1;
	return PASSES(TRAIT_COMM, wish_for_comm(task)) && PASSES(TRAIT_UID, wish_for_uid()) &&
	       PASSES(TRAIT_EXE, wish_for_exe(task)) && PASSES(TRAIT_NETNS, wish_for_netns(task)) &&
	       PASSES(TRAIT_CGROUP, wish_for_cgroup(task));
}

#undef PASSES

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * More of the kernel's types: what filters ask of a process. struct task_struct is the one of
 * kernel.bpf.h under another name, which libbpf takes for the same type.
 */
#ifndef PLAINTAP_BPF_KERNEL_TASK_H
#define PLAINTAP_BPF_KERNEL_TASK_H

#include "kernel.bpf.h"

struct mm_struct {
	struct file *exe_file;
} __attribute__((preserve_access_index));

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));

struct kernfs_node {
	u64 id;
} __attribute__((preserve_access_index));

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} __attribute__((preserve_access_index));

struct cgroup_root {
	int hierarchy_id;
} __attribute__((preserve_access_index));

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} __attribute__((preserve_access_index));

struct list_head {
	struct list_head *next;
} __attribute__((preserve_access_index));

/* Of a task: one group in each hierarchy. */
struct css_set {
	struct list_head cgrp_links;
} __attribute__((preserve_access_index));

/* In that list by `cgrp_link`. */
struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
} __attribute__((preserve_access_index));

enum { COMM_LEN = 16 };

struct task_struct___traits {
	struct task_struct___traits *group_leader;
	char comm[COMM_LEN];
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

#endif

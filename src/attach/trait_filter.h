/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter of processes as the kernel side takes it: values of traits that are wanted or refused.
 * Of one trait any wanted value will do, all traits must agree, and one refused value keeps out.
 */
#ifndef PLAINTAP_ATTACH_TRAIT_FILTER_H
#define PLAINTAP_ATTACH_TRAIT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/filter.h"
/* abi/process_filter.h */
#include "process_filter.h"

enum { TRAIT_FILTER_MAX = 256, TRAIT_CGROUP_MAX = 256 };

struct trait_filter {
	uint32_t asked; /* FILTERS_WANT, FILTERS_REFUSE */
	size_t cnt;
	struct {
		struct trait_key key;
		uint32_t wish; /* set of enum trait_wish */
	} words[TRAIT_FILTER_MAX];
};

/* What a process is, as far as filters ask. */
struct process_traits {
	struct trait_key values[TRAIT_CNT];	   /* that of TRAIT_CGROUP is not used */
	struct group_id cgroups[TRAIT_CGROUP_MAX]; /* its groups, and those above them */
	size_t cgroup_cnt;
};

/* Keys for each trait. */
struct trait_key trait_number(enum process_trait trait, uint64_t value);
/* What is longer than the kernel keeps is cut, as the kernel does. */
struct trait_key trait_comm(struct str name);
struct trait_key trait_exe(uint64_t ino, uint32_t dev, uint32_t generation);

struct trait_key trait_cgroup(struct group_id group);

/* -ENOSPC: there are TRAIT_FILTER_MAX. The same value may be given twice. */
int trait_filter_add(struct trait_filter *f, const struct trait_key *key, enum trait_wish wish);
/* Is the value asked for, or kept out? */
bool trait_filter_has(const struct trait_filter *f, const struct trait_key *key);
/* Does a word name a group in that hierarchy? */
bool trait_filter_names_hierarchy(const struct trait_filter *f, uint32_t number);
/* What the kernel side would say of such a process. */
bool trait_filter_lets_in(const struct trait_filter *f, const struct process_traits *p);

#endif

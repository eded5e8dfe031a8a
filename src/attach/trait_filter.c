// SPDX-License-Identifier: BSD-2-Clause
#include "trait_filter.h"

#include <errno.h>

enum { COMM_KEPT = 15 };

struct trait_key trait_number(enum process_trait trait, uint64_t value)
{
	return (struct trait_key){ .trait = trait, .value = { value } };
}

struct trait_key trait_comm(struct str name)
{
	struct trait_key key = { .trait = TRAIT_COMM };

	memcpy(key.value, name.p, name.len < COMM_KEPT ? name.len : COMM_KEPT);
	return key;
}

struct trait_key trait_exe(uint64_t ino, uint32_t dev, uint32_t generation)
{
	return (struct trait_key){
		.trait = TRAIT_EXE,
		.value = { ino, (uint64_t)generation << 32 | dev },
	};
}

struct trait_key trait_cgroup(struct group_id group)
{
	return (struct trait_key){
		.trait = TRAIT_CGROUP,
		.value = { group.inode, group.hierarchy },
	};
}

static bool same_key(const struct trait_key *a, const struct trait_key *b)
{
	return a->trait == b->trait && a->value[0] == b->value[0] && a->value[1] == b->value[1];
}

int trait_filter_add(struct trait_filter *f, const struct trait_key *key, enum trait_wish wish)
{
	size_t i = 0;

	while (i < f->cnt && !same_key(&f->words[i].key, key))
		i++;
	if (i == TRAIT_FILTER_MAX)
		return -ENOSPC;
	if (i == f->cnt) {
		f->words[i].key = *key;
		f->words[i].wish = 0;
		f->cnt++;
	}
	f->words[i].wish |= wish;
	f->asked |= wish == TRAIT_WANTED ? FILTERS_WANT(key->trait) : FILTERS_REFUSE(key->trait);
	return 0;
}

static uint32_t wish_for(const struct trait_filter *f, const struct trait_key *key)
{
	for (size_t i = 0; i < f->cnt; i++)
		if (same_key(&f->words[i].key, key))
			return f->words[i].wish;
	return 0;
}

bool trait_filter_has(const struct trait_filter *f, const struct trait_key *key)
{
	return wish_for(f, key) != 0;
}

static uint32_t wish_for_cgroups(const struct trait_filter *f, const struct process_traits *p)
{
	uint32_t wish = 0;

	for (size_t i = 0; i < p->cgroup_cnt; i++) {
		struct trait_key key = trait_cgroup(p->cgroups[i]);

		wish |= wish_for(f, &key);
	}
	return wish;
}

bool trait_filter_names_hierarchy(const struct trait_filter *f, uint32_t number)
{
	for (size_t i = 0; i < f->cnt; i++)
		if (f->words[i].key.trait == TRAIT_CGROUP && f->words[i].key.value[1] == number)
			return true;
	return false;
}

bool trait_filter_lets_in(const struct trait_filter *f, const struct process_traits *p)
{
	for (uint32_t trait = 0; trait < TRAIT_CNT; trait++) {
		uint32_t wish;

		if (!(f->asked & FILTERS_ASK_FOR(trait)))
			continue;
		wish = trait == TRAIT_CGROUP ? wish_for_cgroups(f, p)
					     : wish_for(f, &p->values[trait]);
		if (!trait_passes(f->asked, trait, wish))
			return false;
	}
	return true;
}

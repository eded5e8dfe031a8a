// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "attach/trait_filter.h"
#include "tap.h"

static struct trait_filter f;
static struct process_traits p;

static void begin(void)
{
	f = (struct trait_filter){ 0 };
	p = (struct process_traits){ 0 };
	p.values[TRAIT_COMM] = trait_comm(STR_LIT("curl"));
	p.values[TRAIT_UID] = trait_number(TRAIT_UID, 1000);
	p.values[TRAIT_EXE] = trait_exe(77, 0x800001, 5);
	p.values[TRAIT_NETNS] = trait_number(TRAIT_NETNS, 4026531840);
	p.cgroups[0] = (struct group_id){ 300, 0 };
	p.cgroups[1] = (struct group_id){ 20, 0 };
	p.cgroups[2] = (struct group_id){ 1, 0 };
	p.cgroups[3] = (struct group_id){ 40, 9 };
	p.cgroup_cnt = 4;
}

static void add(struct trait_key key, enum trait_wish wish)
{
	INT_EQ(trait_filter_add(&f, &key, wish), 0);
}

static void test_empty(void)
{
	begin();
	OK(trait_filter_lets_in(&f, &p));
	INT_EQ(f.asked, 0);
}

static void test_or_of_one_trait(void)
{
	begin();
	add(trait_comm(STR_LIT("wget")), TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
	add(trait_comm(STR_LIT("curl")), TRAIT_WANTED);
	OK(trait_filter_lets_in(&f, &p));
}

static void test_and_of_traits(void)
{
	begin();
	add(trait_comm(STR_LIT("curl")), TRAIT_WANTED);
	add(trait_number(TRAIT_UID, 0), TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
	add(trait_number(TRAIT_UID, 1000), TRAIT_WANTED);
	OK(trait_filter_lets_in(&f, &p));
	add(trait_number(TRAIT_NETNS, 4026531841), TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
}

static void test_refused(void)
{
	begin();
	add(trait_number(TRAIT_UID, 1001), TRAIT_REFUSED);
	OK(trait_filter_lets_in(&f, &p));
	add(trait_number(TRAIT_UID, 1000), TRAIT_REFUSED);
	OK(!trait_filter_lets_in(&f, &p));
	/* Both of one value: refusal is stronger. */
	begin();
	add(trait_comm(STR_LIT("curl")), TRAIT_WANTED);
	add(trait_comm(STR_LIT("curl")), TRAIT_REFUSED);
	INT_EQ(f.cnt, 1);
	OK(!trait_filter_lets_in(&f, &p));
}

static void test_cgroups(void)
{
	static const uint64_t ids[] = { 300, 20, 1 };

	for (size_t i = 0; i < 3; i++) {
		begin();
		add(trait_number(TRAIT_CGROUP, ids[i]), TRAIT_WANTED);
		OK(trait_filter_lets_in(&f, &p));
	}
	begin();
	add(trait_number(TRAIT_CGROUP, 301), TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
	/* The whole slice, but for one group in it. */
	begin();
	add(trait_number(TRAIT_CGROUP, 20), TRAIT_WANTED);
	add(trait_number(TRAIT_CGROUP, 300), TRAIT_REFUSED);
	OK(!trait_filter_lets_in(&f, &p));
	p.cgroups[0].inode = 299;
	OK(trait_filter_lets_in(&f, &p));
}

/* Inodes are of one hierarchy each. */
static void test_hierarchies(void)
{
	struct trait_key key = trait_cgroup((struct group_id){ 40, 0 });

	begin();
	add(key, TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
	OK(trait_filter_has(&f, &key));
	OK(trait_filter_names_hierarchy(&f, 0));
	OK(!trait_filter_names_hierarchy(&f, 9));
	key = trait_cgroup((struct group_id){ 40, 9 });
	OK(!trait_filter_has(&f, &key));
	add(key, TRAIT_WANTED);
	OK(trait_filter_lets_in(&f, &p));
	OK(trait_filter_names_hierarchy(&f, 9));
}

static void test_exe(void)
{
	begin();
	add(trait_exe(77, 0x800001, 4), TRAIT_WANTED);
	add(trait_exe(77, 0x800002, 5), TRAIT_WANTED);
	add(trait_exe(78, 0x800001, 5), TRAIT_WANTED);
	OK(!trait_filter_lets_in(&f, &p));
	add(trait_exe(77, 0x800001, 5), TRAIT_WANTED);
	OK(trait_filter_lets_in(&f, &p));
}

static void test_comm_is_cut(void)
{
	struct trait_key cut = trait_comm(STR_LIT("a_name_of_15_by")),
			 full = trait_comm(STR_LIT("a_name_of_15_bytes")),
			 none = trait_comm(str_from(""));

	INT_EQ(memcmp(&cut, &full, sizeof(cut)), 0);
	INT_EQ(((const char *)full.value)[15], 0);
	INT_EQ(none.value[0], 0);
}

static void test_full(void)
{
	struct trait_key key;

	begin();
	for (uint64_t i = 0; i < TRAIT_FILTER_MAX; i++)
		add(trait_number(TRAIT_UID, i), TRAIT_WANTED);
	key = trait_number(TRAIT_UID, 5);
	INT_EQ(trait_filter_add(&f, &key, TRAIT_REFUSED), 0);
	key = trait_number(TRAIT_UID, TRAIT_FILTER_MAX);
	INT_EQ(trait_filter_add(&f, &key, TRAIT_WANTED), -ENOSPC);
	INT_EQ(f.cnt, TRAIT_FILTER_MAX);
}

int main(void)
{
	RUN(test_empty);
	RUN(test_or_of_one_trait);
	RUN(test_and_of_traits);
	RUN(test_refused);
	RUN(test_cgroups);
	RUN(test_hierarchies);
	RUN(test_exe);
	RUN(test_comm_is_cut);
	RUN(test_full);
	return tap_done();
}

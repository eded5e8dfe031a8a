// SPDX-License-Identifier: BSD-2-Clause
/* Words for control groups, in two made-up hierarchies: folders on two file systems. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/filter_group.h"
#include "file_tree.h"
#include "tap.h"

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000001"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000002"
#define ID_C "cccc000000000000000000000000000000000000000000000000000000000003"

enum { FIRST = 0, SECOND = 7 };

static char first[] = "/tmp/plaintap-groups-XXXXXX", second[] = "/dev/shm/plaintap-groups-XXXXXX";
static char names[] = "", second_names[] = "cpu,plaintap", top[] = "/";
static struct hierarchies hierarchies = {
	.cnt = 1,
	.rows = { { .number = FIRST, .names = names, .mount = first, .root = top },
		  { .number = SECOND, .names = second_names, .mount = second, .root = top } },
};
static struct group_ids found;
static struct error err;

typedef int (*value_fn)(const struct filter_word *w, struct group_ids *ret,
			struct error *ret_error);

static int find_container(const struct filter_word *w, struct group_ids *ret,
			  struct error *ret_error)
{
	return filter_value_container_in(&hierarchies, tree_root, w, ret, ret_error);
}

static int find_group(const struct filter_word *w, struct group_ids *ret, struct error *ret_error)
{
	return filter_value_cgroup_in(&hierarchies, w, ret, ret_error);
}

static int ask(value_fn fn, enum filter_kind kind, const char *text)
{
	struct filter_word w = { .kind = kind, .exclude = true, .text = text };

	err = (struct error){ 0 };
	found = (struct group_ids){ 0 };
	return fn(&w, &found, &err);
}

/* Refused, with a sentence that names option and word. */
static void check_refused(value_fn fn, enum filter_kind kind, const char *text, int code)
{
	char begin[300];

	INT_EQ(ask(fn, kind, text), code);
	snprintf(begin, sizeof(begin), "--exclude-%s %s: ", filter_kind_name(kind), text);
	OK_MSG(!strncmp(err.text, begin, strlen(begin)), "'%s' begins: %s", begin, err.text);
}

static void check_one(struct group_id want)
{
	INT_EQ(found.cnt, 1);
	INT_EQ(found.ids[0].inode, want.inode);
	INT_EQ(found.ids[0].hierarchy, want.hierarchy);
}

static struct group_id make_group(const char *root, const char *below)
{
	char path[400];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, below);
	OK(mkdir(path, 0700) == 0);
	return (struct group_id){ stat(path, &st) < 0 ? 0 : st.st_ino,
				  root == first ? FIRST : SECOND };
}

static void remove_group(const char *root, const char *below)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", root, below);
	rmdir(path);
}

static void put_name(const char *id, const char *name)
{
	char file[200], text[100];

	snprintf(file, sizeof(file), "var/lib/docker/containers/%s/config.v2.json", id);
	snprintf(text, sizeof(text), "{\"Name\":\"/%s\"}", name);
	tree_put(file, text);
}

static void test_container(void)
{
	static const char *const groups[] = {
		"system.slice",
		"system.slice/docker-" ID_A ".scope",
		"system.slice/docker-" ID_A ".scope/init",
		"system.slice/docker-" ID_A ".scope/init/docker-" ID_C ".scope",
		"system.slice/docker-" ID_B ".scope",
	};
	struct group_id ids[5];

	tree_begin();
	for (size_t i = 0; i < 5; i++)
		ids[i] = make_group(first, groups[i]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, ID_A), 0);
	check_one(ids[1]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "aaab"), 0);
	check_one(ids[4]);
	/* One inside of another. */
	INT_EQ(ask(find_container, FILTER_CONTAINER, "c"), 0);
	check_one(ids[3]);
	check_refused(find_container, FILTER_CONTAINER, "aaa", -EEXIST);
	check_refused(find_container, FILTER_CONTAINER, "b", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, "web-7", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, ID_A "0", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, "", -EINVAL);
	put_name(ID_A, "web-7");
	put_name(ID_B, "c");
	INT_EQ(ask(find_container, FILTER_CONTAINER, "web-7"), 0);
	check_one(ids[1]);
	/* A name goes before digits that an id begins with. */
	INT_EQ(ask(find_container, FILTER_CONTAINER, "c"), 0);
	check_one(ids[4]);
	put_name(ID_B, "web-7");
	check_refused(find_container, FILTER_CONTAINER, "web-7", -EEXIST);
	tree_end();
	for (size_t i = 5; i--;)
		remove_group(first, groups[i]);
}

static void put_user_name(uid_t uid, const char *id, const char *name)
{
	static const char *const folders[] = { "", "/.local", "/.local/share",
					       "/.local/share/docker",
					       "/.local/share/docker/containers" };
	char path[200], text[100];

	snprintf(path, sizeof(path), "home/%u/.local/share/docker/containers/%s/config.v2.json",
		 (unsigned)uid, id);
	snprintf(text, sizeof(text), "{\"Name\":\"/%s\"}", name);
	tree_put(path, text);
	OK(chown(tree_at(path), uid, (gid_t)-1) == 0);
	*strrchr(path, '/') = '\0';
	OK(chown(tree_at(path), uid, (gid_t)-1) == 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "home/%u%s", (unsigned)uid, folders[i]);
		OK(chown(tree_at(path), uid, (gid_t)-1) == 0);
	}
}

#define HIS  "user.slice/user-2001.slice/user@2001.service"
#define HERS "user.slice/user-2002.slice/user@2002.service"

/* The groups of two users' containers and one of the system's; HIS ID_A is root's id, made up. */
static const char *const owned_groups[] = {
	"user.slice",
	"user.slice/user-2001.slice",
	HIS,
	HIS "/docker-" ID_B ".scope",
	HIS "/docker-" ID_A ".scope",
	"user.slice/user-2002.slice",
	HERS,
	HERS "/docker-" ID_C ".scope",
	"docker-" ID_A ".scope",
};
enum { HIS_B = 3, HIS_A = 4, HERS_C = 7, ROOT_S_A = 8, OWNED_CNT = 9 };

/* What is a user's cannot take the place of the system's, or of another user's. */
static void test_container_of_user(void)
{
	struct group_id ids[OWNED_CNT];

	if (geteuid() != 0) {
		tap_skip("other owners", "only root can give a file away");
		return;
	}
	tree_begin();
	for (size_t i = 0; i < OWNED_CNT; i++)
		ids[i] = make_group(first, owned_groups[i]);
	tree_put("etc/passwd", "a:x:2001:9::/home/2001:\nb:x:2002:9::/home/2002:\n");
	put_user_name(2001, ID_B, "his");
	put_user_name(2002, ID_C, "hers");
	INT_EQ(ask(find_container, FILTER_CONTAINER, "his"), 0);
	check_one(ids[HIS_B]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "hers"), 0);
	check_one(ids[HERS_C]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "cccc"), 0);
	check_one(ids[HERS_C]);
	/* His file says nothing of her container, and none of theirs of root's. */
	put_user_name(2001, ID_C, "not-his");
	check_refused(find_container, FILTER_CONTAINER, "not-his", -ENOENT);
	/* Root's name is not told of the group that he calls like root's. */
	put_name(ID_A, "web");
	INT_EQ(ask(find_container, FILTER_CONTAINER, "web"), 0);
	check_one(ids[ROOT_S_A]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, ID_A), 0);
	check_one(ids[ROOT_S_A]);
	/* Digits of an id may mean both. */
	check_refused(find_container, FILTER_CONTAINER, "aaaa", -EEXIST);
	/* A user's container may be called as he likes. */
	put_user_name(2001, ID_B, "web");
	INT_EQ(ask(find_container, FILTER_CONTAINER, "web"), 0);
	check_one(ids[ROOT_S_A]);
	put_user_name(2001, ID_B, ID_A);
	INT_EQ(ask(find_container, FILTER_CONTAINER, ID_A), 0);
	check_one(ids[ROOT_S_A]);
	put_user_name(2001, ID_B, "cccc");
	check_refused(find_container, FILTER_CONTAINER, "cccc", -EEXIST);
	put_user_name(2001, ID_B, "hers");
	check_refused(find_container, FILTER_CONTAINER, "hers", -EEXIST);
	tree_end();
	for (size_t i = OWNED_CNT; i--;)
		remove_group(first, owned_groups[i]);
}

/* One container is in several hierarchies, under different paths perhaps; others make it two. */
static void test_container_in_two(void)
{
	struct group_id a, b;

	if (hierarchies.cnt < 2) {
		tap_skip("two hierarchies", "/tmp and /dev/shm are one file system");
		return;
	}
	a = make_group(first, "docker-" ID_A ".scope");
	b = make_group(second, ID_A);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "aaa"), 0);
	INT_EQ(found.cnt, 2);
	INT_EQ(found.ids[0].inode, a.inode);
	INT_EQ(found.ids[1].inode, b.inode);
	INT_EQ(found.ids[1].hierarchy, SECOND);
	make_group(second, ID_B);
	check_refused(find_container, FILTER_CONTAINER, "aaa", -EEXIST);
	/* Only there. */
	INT_EQ(ask(find_container, FILTER_CONTAINER, "aaab"), 0);
	INT_EQ(found.ids[0].hierarchy, SECOND);
	remove_group(first, "docker-" ID_A ".scope");
	remove_group(second, ID_A);
	remove_group(second, ID_B);
}

static void test_cgroup(void)
{
	struct group_id a = make_group(first, "a"), b;
	char path[200];

	INT_EQ(ask(find_group, FILTER_CGROUP, "a"), 0);
	check_one(a);
	INT_EQ(ask(find_group, FILTER_CGROUP, "/a"), 0);
	check_one(a);
	snprintf(path, sizeof(path), "%s/a/", first);
	INT_EQ(ask(find_group, FILTER_CGROUP, path), 0);
	check_one(a);
	check_refused(find_group, FILTER_CGROUP, "no/such/group", -ENOENT);
	check_refused(find_group, FILTER_CGROUP, "/proc", -EINVAL);
	check_refused(find_group, FILTER_CGROUP, "/proc/self/status", -EINVAL);
	if (hierarchies.cnt > 1) {
		/* A path names its hierarchy, a name below the root all. */
		b = make_group(second, "a");
		INT_EQ(ask(find_group, FILTER_CGROUP, path), 0);
		check_one(a);
		INT_EQ(ask(find_group, FILTER_CGROUP, "a"), 0);
		INT_EQ(found.cnt, 2);
		INT_EQ(found.ids[1].inode, b.inode);
		INT_EQ(found.ids[1].hierarchy, SECOND);
		remove_group(second, "a");
	}
	remove_group(first, "a");
	/* Removed meanwhile. */
	check_refused(find_group, FILTER_CGROUP, path, -ENOENT);
}

/* Of these two, the kernel has the first if it has any. */
static void test_not_mounted(void)
{
	bool has_cpu = !access("/proc/cgroups", R_OK);

	if (!has_cpu) {
		tap_skip("controllers", "no /proc/cgroups");
		return;
	}
	check_refused(find_group, FILTER_CGROUP, "pids/a", -EOPNOTSUPP);
	OK(strstr(err.text, "controller 'pids' is mounted") && strstr(err.text, first));
	check_refused(find_group, FILTER_CGROUP, "/sys/fs/cgroup/pids/no-such-group", -EOPNOTSUPP);
	check_refused(find_group, FILTER_CGROUP, "plaintap/a", -ENOENT);
	if (hierarchies.cnt > 1)
		check_refused(find_group, FILTER_CGROUP, "cpu/a", -ENOENT);
}

static void test_none_mounted(void)
{
	size_t cnt = hierarchies.cnt;

	hierarchies.cnt = 0;
	check_refused(find_group, FILTER_CGROUP, "a", -EOPNOTSUPP);
	check_refused(find_container, FILTER_CONTAINER, "a", -EOPNOTSUPP);
	hierarchies.cnt = cnt;
}

/* Each group of this machine's hierarchies that this process is in can be named. */
static void test_this_machine(void)
{
	struct hierarchies own;
	struct group_id mine[8];
	int cnt;

	INT_EQ(hierarchies_read("/proc", &own), 0);
	cnt = hierarchies_of_process(&own, getpid(), mine, 8);
	OK(cnt >= 0);
	if (!own.cnt)
		tap_skip("this machine", "no control groups are mounted");
	for (size_t i = 0; i < own.cnt; i++) {
		INT_EQ(ask(filter_value_cgroup, FILTER_CGROUP, own.rows[i].mount), 0);
		INT_EQ(found.cnt, 1);
		INT_EQ(found.ids[0].hierarchy, own.rows[i].number);
	}
	hierarchies_done(&own);
}

int main(void)
{
	struct stat a, b;

	if (!mkdtemp(first) || stat(first, &a) < 0)
		abort();
	hierarchies.rows[0].dev = a.st_dev;
	if (mkdtemp(second) && stat(second, &b) == 0 && a.st_dev != b.st_dev) {
		hierarchies.rows[1].dev = b.st_dev;
		hierarchies.cnt = 2;
	}
	RUN(test_container);
	RUN(test_container_of_user);
	RUN(test_container_in_two);
	RUN(test_cgroup);
	RUN(test_not_mounted);
	RUN(test_none_mounted);
	RUN(test_this_machine);
	rmdir(first);
	rmdir(second);
	return tap_done();
}

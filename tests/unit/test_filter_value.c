// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/filter_value.h"
#include "file_tree.h"
#include "tap.h"

#define ID_A "aaaa000000000000000000000000000000000000000000000000000000000001"
#define ID_B "aaab000000000000000000000000000000000000000000000000000000000002"
#define ID_C "cccc000000000000000000000000000000000000000000000000000000000003"

static char root[] = "/tmp/plaintap-groups-XXXXXX";
static struct error err;
static uint64_t value;

typedef int (*value_fn)(const struct filter_word *w, uint64_t *ret, struct error *ret_error);

static int ask(value_fn fn, enum filter_kind kind, const char *text)
{
	struct filter_word w = { .kind = kind, .exclude = true, .text = text };

	memset(&err, 0, sizeof(err));
	value = 0;
	return fn(&w, &value, &err);
}

/* Refused, with a sentence that names option and word. */
static void check_refused(value_fn fn, enum filter_kind kind, const char *text, int code)
{
	char begin[200];

	INT_EQ(ask(fn, kind, text), code);
	snprintf(begin, sizeof(begin), "--exclude-%s %s: ", filter_kind_name(kind), text);
	OK_MSG(!strncmp(err.text, begin, strlen(begin)), "'%s' begins: %s", begin, err.text);
}

static void test_uid(void)
{
	INT_EQ(ask(filter_value_uid, FILTER_UID, "root"), 0);
	INT_EQ(value, 0);
	INT_EQ(ask(filter_value_uid, FILTER_UID, "4294967294"), 0);
	INT_EQ(value, 4294967294);
	check_refused(filter_value_uid, FILTER_UID, "4294967295", -EINVAL);
	check_refused(filter_value_uid, FILTER_UID, "no_such_user", -EINVAL);
	check_refused(filter_value_uid, FILTER_UID, "-1", -EINVAL);
}

static void test_pid(void)
{
	char self[20];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	INT_EQ(ask(filter_value_pid, FILTER_PID, self), 0);
	INT_EQ(value, getpid());
	check_refused(filter_value_pid, FILTER_PID, "2147483647", -ESRCH);
	check_refused(filter_value_pid, FILTER_PID, "2147483648", -EINVAL);
	check_refused(filter_value_pid, FILTER_PID, "0", -EINVAL);
	check_refused(filter_value_pid, FILTER_PID, "x", -EINVAL);
}

static void test_netns(void)
{
	char self[20];
	uint64_t mine;

	INT_EQ(filter_process_netns(getpid(), &mine), 0);
	snprintf(self, sizeof(self), "%d", (int)getpid());
	INT_EQ(ask(filter_value_netns, FILTER_NETNS, self), 0);
	INT_EQ(value, mine);
	INT_EQ(ask(filter_value_netns, FILTER_NETNS, "/proc/self/ns/net"), 0);
	INT_EQ(value, mine);
	/* Numbers that no pid can have are inodes. */
	INT_EQ(ask(filter_value_netns, FILTER_NETNS, "4026531840"), 0);
	INT_EQ(value, 4026531840);
	check_refused(filter_value_netns, FILTER_NETNS, "3000000000", -EINVAL);
	check_refused(filter_value_netns, FILTER_NETNS, "2147483647", -ENOENT);
	check_refused(filter_value_netns, FILTER_NETNS, "/proc/self/status", -EINVAL);
	check_refused(filter_value_netns, FILTER_NETNS, "no-such-name", -ENOENT);
	OK(strstr(err.text, "/run/netns/no-such-name") != NULL);
}

static uint64_t make_group(const char *below)
{
	char path[400];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, below);
	OK(mkdir(path, 0700) == 0);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static int find_container(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	return filter_value_container_at(root, tree_root, w, ret, ret_error);
}

static void remove_group(const char *below)
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
	uint64_t inodes[5];

	if (!mkdtemp(root))
		return;
	tree_begin();
	for (size_t i = 0; i < 5; i++)
		inodes[i] = make_group(groups[i]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, ID_A), 0);
	INT_EQ(value, inodes[1]);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "aaab"), 0);
	INT_EQ(value, inodes[4]);
	/* One inside of another. */
	INT_EQ(ask(find_container, FILTER_CONTAINER, "c"), 0);
	INT_EQ(value, inodes[3]);
	check_refused(find_container, FILTER_CONTAINER, "aaa", -EEXIST);
	check_refused(find_container, FILTER_CONTAINER, "b", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, "web-7", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, ID_A "0", -ENOENT);
	check_refused(find_container, FILTER_CONTAINER, "", -EINVAL);
	put_name(ID_A, "web-7");
	put_name(ID_B, "c");
	INT_EQ(ask(find_container, FILTER_CONTAINER, "web-7"), 0);
	INT_EQ(value, inodes[1]);
	/* A name goes before digits that an id begins with. */
	INT_EQ(ask(find_container, FILTER_CONTAINER, "c"), 0);
	INT_EQ(value, inodes[4]);
	put_name(ID_B, "web-7");
	check_refused(find_container, FILTER_CONTAINER, "web-7", -EEXIST);
	tree_end();
	for (size_t i = 5; i--;)
		remove_group(groups[i]);
	rmdir(root);
	INT_EQ(ask(find_container, FILTER_CONTAINER, "a"), -ENOENT);
}

static void test_cgroup(void)
{
	int r = ask(filter_value_cgroup, FILTER_CGROUP, "/");

	if (r == -EOPNOTSUPP) {
		tap_skip("control groups", "no version 2 here");
		return;
	}
	INT_EQ(r, 0);
	OK(value > 0);
	check_refused(filter_value_cgroup, FILTER_CGROUP, "no/such/group", -ENOENT);
	check_refused(filter_value_cgroup, FILTER_CGROUP, "cgroup.procs", -EINVAL);
}

int main(void)
{
	RUN(test_uid);
	RUN(test_pid);
	RUN(test_netns);
	RUN(test_container);
	RUN(test_cgroup);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/* Which hierarchies of control groups are mounted where, by files as machines have them. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "discover/hierarchy.h"
#include "file_tree.h"
#include "tap.h"

#define HYBRID_CGROUPS                                       \
	"9:name=systemd:/init.scope\n4:memory:/user.slice\n" \
	"2:cpu,cpuacct:/\n1:blkio,name=mine:/\n0::/init.scope\n"

static struct hierarchies h;

static int read_machine(const char *mountinfo, const char *cgroups)
{
	int r;

	tree_put("self/mountinfo", mountinfo);
	tree_put("self/cgroup", cgroups);
	r = hierarchies_read(tree_root, &h);
	return r;
}

static const struct hierarchy *row_of(uint32_t number)
{
	for (size_t i = 0; i < h.cnt; i++)
		if (h.rows[i].number == number)
			return &h.rows[i];
	return NULL;
}

static void check_row(uint32_t number, unsigned minor_number, const char *mount, const char *names)
{
	const struct hierarchy *row = row_of(number);

	if (!OK_MSG(row != NULL, "hierarchy %u", (unsigned)number))
		return;
	C_STR_EQ(row->mount, mount);
	C_STR_EQ(row->names, names);
	OK(row->dev == makedev(0, minor_number));
}

static void test_version_2(void)
{
	INT_EQ(read_machine("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
			    "0::/user.slice\n"),
	       0);
	INT_EQ(h.cnt, 1);
	check_row(0, 26, "/sys/fs/cgroup", "");
	hierarchies_done(&h);
}

static void test_hybrid(void)
{
	INT_EQ(read_machine(
		       "30 23 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
		       "31 30 0:26 / /sys/fs/cgroup/unified rw master:2 shared:3 - cgroup2 c rw\n"
		       "32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup c rw,xattr,name=systemd\n"
		       "33 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup c rw,cpu,cpuacct\n"
		       "34 30 0:29 / /sys/my\\040groups rw - cgroup c rw,blkio,name=mine\n"
		       "35 30 0:30 / /sys/fs/cgroup/memory rw - cgroup c rw,memory\n"
		       /* Of another line than any: cannot be told. */
		       "36 30 0:31 / /sys/fs/cgroup/pids rw - cgroup c rw,pids\n",
		       HYBRID_CGROUPS),
	       0);
	INT_EQ(h.cnt, 5);
	check_row(0, 26, "/sys/fs/cgroup/unified", "");
	check_row(9, 27, "/sys/fs/cgroup/systemd", "name=systemd");
	check_row(2, 28, "/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct");
	check_row(1, 29, "/sys/my groups", "blkio,name=mine");
	check_row(4, 30, "/sys/fs/cgroup/memory", "memory");
	OK(hierarchy_has(row_of(2), STR_LIT("cpuacct")));
	OK(!hierarchy_has(row_of(2), STR_LIT("cpua")));
	hierarchies_done(&h);
}

/* A place that shows all of it goes before one that shows a part. */
static void test_several_mounts(void)
{
	static const char part[] = "31 1 0:30 /docker/a /part rw - cgroup c rw,memory\n",
			  whole[] = "32 1 0:30 / /whole rw - cgroup c rw,memory\n";
	char both[200];

	snprintf(both, sizeof(both), "%s%s", part, whole);
	INT_EQ(read_machine(both, HYBRID_CGROUPS), 0);
	INT_EQ(h.cnt, 1);
	check_row(4, 30, "/whole", "memory");
	hierarchies_done(&h);
	snprintf(both, sizeof(both), "%s%s", whole, part);
	INT_EQ(read_machine(both, HYBRID_CGROUPS), 0);
	check_row(4, 30, "/whole", "memory");
	hierarchies_done(&h);
	INT_EQ(read_machine(part, HYBRID_CGROUPS), 0);
	check_row(4, 30, "/part", "memory");
	C_STR_EQ(row_of(4)->root, "/docker/a");
	hierarchies_done(&h);
}

static bool is_second(const void *user, uint32_t number)
{
	return number == *(const uint32_t *)user;
}

static void test_keep(void)
{
	const uint32_t two = 2;

	INT_EQ(read_machine("31 1 0:26 / /a rw - cgroup2 c rw\n"
			    "33 1 0:28 / /b rw - cgroup c rw,cpu,cpuacct\n"
			    "35 1 0:30 / /c rw - cgroup c rw,memory\n",
			    HYBRID_CGROUPS),
	       0);
	INT_EQ(h.cnt, 3);
	hierarchies_keep(&h, is_second, &two);
	INT_EQ(h.cnt, 1);
	check_row(2, 28, "/b", "cpu,cpuacct");
	hierarchies_done(&h);
}

static void test_nothing(void)
{
	static const char *const broken[] = {
		"",
		"\n\n",
		"30 23 0:26 / /sys/fs/cgroup rw\n",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup2\n",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup c \n",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		INT_EQ(read_machine(broken[i], HYBRID_CGROUPS), 0);
		INT_EQ(h.cnt, 0);
	}
	INT_EQ(read_machine("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 c rw\n", ""), 0);
	INT_EQ(h.cnt, 0);
	tree_drop("self/cgroup");
	INT_EQ(hierarchies_read(tree_root, &h), -ENOENT);
}

int main(void)
{
	tree_begin();
	RUN(test_version_2);
	RUN(test_hybrid);
	RUN(test_several_mounts);
	RUN(test_keep);
	RUN(test_nothing);
	tree_end();
	return tap_done();
}

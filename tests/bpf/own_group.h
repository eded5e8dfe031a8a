/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving this process from one control group to another. */
#ifndef PLAINTAP_TESTS_OWN_GROUP_H
#define PLAINTAP_TESTS_OWN_GROUP_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/cgroup.h"
#include "discover/hierarchy.h"
#include "tap.h"

/* False: it takes no process. */
static bool group_enter(const char *group)
{
	char path[300], pid[20];
	int fd, len = snprintf(pid, sizeof(pid), "%d", (int)getpid());
	bool done;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, pid, (size_t)len) == len;
	if (fd >= 0)
		close(fd);
	return done;
}

/* The folder of the group that this process is in. */
static void group_home(const struct hierarchy *row, char *to, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	struct cgroup_line c;
	char line[400];

	while (f && fgets(line, sizeof(line), f))
		if (cgroup_line_parse(str_make(line, strcspn(line, "\n")), &c) &&
		    c.number == row->number)
			snprintf(to, size, "%s%.*s", row->mount, STR_FMT(c.path));
	if (f)
		fclose(f);
}

/* Where nothing is mounted (an emulated machine), there is nobody whom it could disturb. */
static void group_mount_all(void)
{
	static const struct {
		const char *where, *kind, *options;
	} rows[] = {
		{ "/tmp/cg-unified", "cgroup2", NULL },
		{ "/tmp/cg-pids", "cgroup", "pids" },
		{ "/tmp/cg-named", "cgroup", "none,name=plaintap" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mkdir("/tmp", 0755);
		mkdir(rows[i].where, 0755);
		if (mount("none", rows[i].where, rows[i].kind, 0, rows[i].options) < 0)
			tap_note("%s: %s", rows[i].where, strerror(errno));
	}
}

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "mapped_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/open_file.h"
#include "discover/proc_maps.h"

int mapped_file_open(const char *proc_root, pid_t pid, const struct proc_map *m, const char *path)
{
	char name[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s/%d/map_files/%" PRIx64 "-%" PRIx64, proc_root, (int)pid,
		 m->start, m->end);
	fd = open_regular(name);
	if (fd >= 0)
		return fd;
	if (snprintf(name, sizeof(name), "%s/%d/root%s", proc_root, (int)pid, path) >=
	    (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = open_regular(name);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || st.st_ino != m->ino) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

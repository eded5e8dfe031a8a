// SPDX-License-Identifier: BSD-2-Clause
#include "cpu_idle.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_LEN_MAX = 512, MS_PER_SECOND = 1000 };

/* "cpu0 user nice system idle iowait …"; false: not such a line. */
static bool parse(const char *line, unsigned *ret_cpu, uint64_t *ret_ticks)
{
	uint64_t idle, waits = 0;

	if (sscanf(line, "cpu%u %*u %*u %*u %" SCNu64 " %" SCNu64, ret_cpu, &idle, &waits) < 2)
		return false;
	*ret_ticks = idle + waits;
	return true;
}

int cpu_idle_read(const char *proc_root, uint64_t *ret_ms, unsigned cnt)
{
	uint64_t ticks, per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	char path[PATH_MAX], line[LINE_LEN_MAX];
	unsigned cpu;
	FILE *f;

	snprintf(path, sizeof(path), "%s/stat", proc_root);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	memset(ret_ms, 0, cnt * sizeof(*ret_ms));
	/* They stand first; what follows is long. */
	while (fgets(line, sizeof(line), f) && !strncmp(line, "cpu", 3))
		if (parse(line, &cpu, &ticks) && cpu < cnt)
			ret_ms[cpu] = ticks * MS_PER_SECOND / per_second;
	fclose(f);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "cpu_idle.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { LINE_LEN_MAX = 512, MS_PER_SECOND = 1000 };

/* The next of the words that blanks part. */
static bool next_number(struct str *rest, uint64_t *ret)
{
	struct str word;

	return str_next_part(rest, ' ', &word) && str_to_u64(word, 10, ret) == 0;
}

/* "cpu0 user nice system idle iowait …"; false: not such a line. */
static bool parse(struct str line, uint64_t *ret_cpu, uint64_t *ret_ticks)
{
	uint64_t skipped, idle, waits = 0;

	line.p += strlen("cpu");
	line.len -= strlen("cpu");
	if (!next_number(&line, ret_cpu))
		return false;
	for (int i = 0; i < 3; i++)
		if (!next_number(&line, &skipped))
			return false;
	if (!next_number(&line, &idle))
		return false;
	next_number(&line, &waits);
	*ret_ticks = idle + waits;
	return true;
}

int cpu_idle_read(const char *proc_root, uint64_t *ret_ms, unsigned cnt)
{
	uint64_t ticks, per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	char path[PATH_MAX], line[LINE_LEN_MAX];
	uint64_t cpu;
	FILE *f;

	snprintf(path, sizeof(path), "%s/stat", proc_root);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	memset(ret_ms, 0, cnt * sizeof(*ret_ms));
	/* They stand first; what follows is long. */
	while (fgets(line, sizeof(line), f) && !strncmp(line, "cpu", 3))
		if (parse(str_make(line, strcspn(line, "\n")), &cpu, &ticks) && cpu < cnt)
			ret_ms[cpu] = ticks * MS_PER_SECOND / per_second;
	fclose(f);
	return 0;
}

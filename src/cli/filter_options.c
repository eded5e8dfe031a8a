// SPDX-License-Identifier: BSD-2-Clause
#include "filter_options.h"

#include <errno.h>
#include <limits.h>

#include "base/str.h"
#include "options.h"

static int take_word(struct options *o, struct filter_word word, struct error *ret_error)
{
	struct filter_options *f = &o->filters;

	if (!word.text[0])
		return error_set(ret_error, -EINVAL, FILTER_WORD_FMT "'': there must be a value",
				 FILTER_WORD_ARGS(&word));
	if (f->cnt == FILTER_OPTION_MAX)
		return error_set(ret_error, -EINVAL, FILTER_WORD_FMT ": more than %d filters",
				 FILTER_WORD_ARGS(&word), FILTER_OPTION_MAX);
	f->words[f->cnt++] = word;
	return 0;
}

#define TAKE(name, kind_, exclude_)                                                              \
	int take_##name(struct options *o, const char *value, struct error *ret_error)           \
	{                                                                                        \
		struct filter_word word = { .kind = kind_, .exclude = exclude_, .text = value }; \
                                                                                                 \
		return take_word(o, word, ret_error);                                            \
	}

TAKE(comm, FILTER_COMM, false)
TAKE(uid, FILTER_UID, false)
TAKE(exe, FILTER_EXE, false)
TAKE(cgroup, FILTER_CGROUP, false)
TAKE(container, FILTER_CONTAINER, false)
TAKE(netns, FILTER_NETNS, false)
TAKE(exclude_comm, FILTER_COMM, true)
TAKE(exclude_uid, FILTER_UID, true)
TAKE(exclude_exe, FILTER_EXE, true)
TAKE(exclude_cgroup, FILTER_CGROUP, true)
TAKE(exclude_container, FILTER_CONTAINER, true)
TAKE(exclude_netns, FILTER_NETNS, true)

int take_exclude_pid(struct options *o, const char *value, struct error *ret_error)
{
	struct filter_word word = { .kind = FILTER_PID, .exclude = true, .text = value };
	uint64_t pid;

	if (str_to_u64(str_from(value), 10, &pid) < 0 || !pid || pid > INT_MAX)
		return error_set(ret_error, -EINVAL, "--exclude-pid %s: not a process id", value);
	return take_word(o, word, ret_error);
}

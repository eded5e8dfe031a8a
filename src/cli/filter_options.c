// SPDX-License-Identifier: BSD-2-Clause
#include "filter_options.h"

#include <errno.h>
#include <limits.h>

#include "base/cidr.h"
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

static int take_port_word(struct options *o, const char *value, bool exclude,
			  struct error *ret_error)
{
	struct filter_word word = { .kind = FILTER_PORT, .exclude = exclude, .text = value };
	uint64_t port;

	if (str_to_u64(str_from(value), 10, &port) < 0 || !port || port > UINT16_MAX)
		return error_set(ret_error, -EINVAL,
				 FILTER_WORD_FMT ": must be a port from 1 to 65535",
				 FILTER_WORD_ARGS(&word));
	return take_word(o, word, ret_error);
}

int take_port(struct options *o, const char *value, struct error *ret_error)
{
	return take_port_word(o, value, false, ret_error);
}

int take_exclude_port(struct options *o, const char *value, struct error *ret_error)
{
	return take_port_word(o, value, true, ret_error);
}

static int take_host_word(struct options *o, const char *value, bool exclude,
			  struct error *ret_error)
{
	struct filter_word word = { .kind = FILTER_HOST, .exclude = exclude, .text = value };
	struct cidr net;
	int r = cidr_parse(str_from(value), &net);

	if (r == -ERANGE)
		return error_set(ret_error, -EINVAL,
				 FILTER_WORD_FMT
				 ": behind the slash goes a number of bits, at most 32 of IPv4 and "
				 "128 of IPv6",
				 FILTER_WORD_ARGS(&word));
	if (r < 0)
		return error_set(ret_error, -EINVAL,
				 FILTER_WORD_FMT
				 ": not an address; write 10.0.0.5, 10.0.0.0/8 or 2001:db8::/32 "
				 "(names are not looked up)",
				 FILTER_WORD_ARGS(&word));
	return take_word(o, word, ret_error);
}

int take_host(struct options *o, const char *value, struct error *ret_error)
{
	return take_host_word(o, value, false, ret_error);
}

int take_exclude_host(struct options *o, const char *value, struct error *ret_error)
{
	return take_host_word(o, value, true, ret_error);
}

// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discover/filter_value.h"
#include "tap.h"

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

int main(void)
{
	RUN(test_uid);
	RUN(test_pid);
	RUN(test_netns);
	return tap_done();
}

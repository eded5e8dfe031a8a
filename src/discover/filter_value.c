// SPDX-License-Identifier: BSD-2-Clause
#include "filter_value.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/str.h"

enum { PASSWD_MAX = 16384 };

/* Inodes of namespaces begin here (PROC_DYNAMIC_FIRST); no pid is as large. */
static const uint64_t namespace_inode_min = 0xf0000000;

static bool is_number(const struct filter_word *w, uint64_t *ret)
{
	return str_to_u64(str_from(w->text), 10, ret) == 0;
}

int filter_value_uid(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	struct passwd entry, *found = NULL;
	char memory[PASSWD_MAX];

	if (is_number(w, ret)) {
		if (*ret < UINT32_MAX)
			return 0;
		return error_set(ret_error, -EINVAL, FILTER_WORD_FMT ": too large for a user id",
				 FILTER_WORD_ARGS(w));
	}
	if (getpwnam_r(w->text, &entry, memory, sizeof(memory), &found) || !found)
		return error_set(ret_error, -EINVAL,
				 FILTER_WORD_FMT ": there is no user of that name; give a name of "
						 "'getent passwd', or a number",
				 FILTER_WORD_ARGS(w));
	*ret = found->pw_uid;
	return 0;
}

static int namespace_inode(const char *path, uint64_t *ret)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return -errno;
	if (fs.f_type != NSFS_MAGIC)
		return -EINVAL;
	*ret = st.st_ino;
	return 0;
}

int filter_process_netns(pid_t pid, uint64_t *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return namespace_inode(path, ret);
}

int filter_value_netns(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	char path[PATH_MAX];
	uint64_t number;
	int r;

	if (is_number(w, &number)) {
		*ret = number;
		if (number >= namespace_inode_min)
			return 0;
		r = number <= INT_MAX ? filter_process_netns((pid_t)number, ret) : -EINVAL;
		if (r < 0)
			return error_set(ret_error, r,
					 FILTER_WORD_FMT
					 ": no process has that id, and no namespace such an inode",
					 FILTER_WORD_ARGS(w));
		return 0;
	}
	snprintf(path, sizeof(path), "%s%s", strchr(w->text, '/') ? "" : "/run/netns/", w->text);
	r = namespace_inode(path, ret);
	if (r < 0)
		return error_set(ret_error, r,
				 FILTER_WORD_FMT
				 ": %s is no network namespace; give a name of 'ip netns', a "
				 "path such as /proc/PID/ns/net, a pid, or the inode's number",
				 FILTER_WORD_ARGS(w), path);
	return 0;
}

int filter_value_pid(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	char path[64];

	if (!is_number(w, ret) || !*ret || *ret > INT_MAX)
		return error_set(ret_error, -EINVAL, FILTER_WORD_FMT ": not a process id",
				 FILTER_WORD_ARGS(w));
	snprintf(path, sizeof(path), "/proc/%d", (int)*ret);
	if (access(path, F_OK) < 0)
		return error_set(ret_error, -ESRCH, FILTER_WORD_FMT ": there is no such process",
				 FILTER_WORD_ARGS(w));
	return 0;
}

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

#include "base/buf.h"
#include "base/str.h"
#include "container_group.h"
#include "open_file.h"

enum { PASSWD_MAX = 16384, CGROUP_FILE_MAX = 65536 };

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

static bool is_on(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static bool is_cgroup2(const char *path)
{
	return is_on(path, CGROUP2_SUPER_MAGIC);
}

/* Where a hierarchy of version 1 is mounted beside others: "/sys/fs/cgroup/memory". */
static bool next_version_1(DIR *dir, char *to, size_t size)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(to, size, "/sys/fs/cgroup/%s", entry->d_name);
		if (is_on(to, CGROUP_SUPER_MAGIC))
			return true;
	}
	return false;
}

typedef bool (*is_below_fn)(const char *hierarchy, const struct filter_word *w);

/* Would the word mean something in version 1, by which the kernel side cannot filter? */
static bool is_in_version_1(const struct filter_word *w, is_below_fn is_below)
{
	DIR *dir = opendir("/sys/fs/cgroup");
	char hierarchy[PATH_MAX];
	bool found = false;

	while (dir && !found && next_version_1(dir, hierarchy, sizeof(hierarchy)))
		found = is_below(hierarchy, w);
	if (dir)
		closedir(dir);
	return found;
}

static bool is_group_1(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && is_on(path, CGROUP_SUPER_MAGIC);
}

static bool is_group_below(const char *hierarchy, const struct filter_word *w)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", hierarchy, w->text);
	return is_group_1(path) || (w->text[0] == '/' && is_group_1(w->text));
}

static bool is_container_below(const char *hierarchy, const struct filter_word *w)
{
	uint64_t ignored;
	int r = container_group_find(hierarchy, "", str_from(w->text), &ignored);

	return !r || r == -EEXIST;
}

static int only_version_1(const struct filter_word *w, struct error *ret_error)
{
	return error_set(ret_error, -EOPNOTSUPP,
			 FILTER_WORD_FMT
			 ": it is in control groups of version 1 only, and "
			 "plaintap filters by those of version 2; filter by --netns "
			 "(a pid of it will do), --comm, --uid or --exe instead",
			 FILTER_WORD_ARGS(w));
}

/* Where version 2's hierarchy is mounted; NULL: nowhere. */
static const char *cgroup_root(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (is_cgroup2(roots[i]))
			return roots[i];
	return NULL;
}

static int no_hierarchy(const struct filter_word *w, struct error *ret_error)
{
	return error_set(ret_error, -EOPNOTSUPP,
			 FILTER_WORD_FMT
			 ": this machine has no control groups of version 2 in /sys/fs/cgroup; "
			 "filter by --comm, --uid, --exe or --netns instead",
			 FILTER_WORD_ARGS(w));
}

/* The inode of a folder in that file system is the group's id. */
static int group_id(const char *path, uint64_t *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || !is_cgroup2(path))
		return -EINVAL;
	*ret = st.st_ino;
	return 0;
}

int filter_value_cgroup(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	const char *root = cgroup_root();
	char below[PATH_MAX];
	int r = -EINVAL;

	if (!root)
		return no_hierarchy(w, ret_error);
	if (w->text[0] == '/')
		r = group_id(w->text, ret);
	if (r < 0) {
		snprintf(below, sizeof(below), "%s/%s", root, w->text);
		r = group_id(below, ret);
	}
	if (r < 0 && is_in_version_1(w, is_group_below))
		return only_version_1(w, ret_error);
	if (r < 0)
		return error_set(ret_error, r,
				 FILTER_WORD_FMT
				 ": there is no such control group below %s; systemd-cgls and "
				 "/proc/PID/cgroup show them",
				 FILTER_WORD_ARGS(w), root);
	return 0;
}

int filter_value_container_at(const char *root, const char *files_root, const struct filter_word *w,
			      uint64_t *ret, struct error *ret_error)
{
	int r = container_group_find(root, files_root, str_from(w->text), ret);

	if (r == -ENOENT || r == -EINVAL)
		return error_set(ret_error, r,
				 FILTER_WORD_FMT
				 ": no container that runs is called so or has an id which begins "
				 "so; docker ps, podman ps or crictl ps show them",
				 FILTER_WORD_ARGS(w));
	if (r == -EEXIST)
		return error_set(ret_error, r,
				 FILTER_WORD_FMT
				 ": several containers are called so or have ids which begin so; "
				 "give more digits of the id",
				 FILTER_WORD_ARGS(w));
	if (r < 0)
		return error_set_errno(ret_error, r, FILTER_WORD_FMT ": cannot look through %s",
				       FILTER_WORD_ARGS(w), root);
	return 0;
}

int filter_value_container(const struct filter_word *w, uint64_t *ret, struct error *ret_error)
{
	const char *root = cgroup_root();
	int r;

	if (!root)
		return no_hierarchy(w, ret_error);
	r = filter_value_container_at(root, "", w, ret, ret_error);
	if (r == -ENOENT && is_in_version_1(w, is_container_below))
		return only_version_1(w, ret_error);
	return r;
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

/* "0::/path": version 2's line. */
static int read_group_path(pid_t pid, char *to, size_t max)
{
	static const struct str mark = STR_LIT("0::/");
	char name[64];
	struct buf text;
	struct str rest, line;
	int r;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	buf_init(&text, CGROUP_FILE_MAX);
	r = read_file(name, &text);
	rest = str_make(text.data, text.len);
	while (!r && str_next_part(&rest, '\n', &line)) {
		if (!str_starts_with(line, mark))
			continue;
		snprintf(to, max, "%s/%.*s", cgroup_root(), (int)(line.len - mark.len),
			 line.p + mark.len);
		buf_done(&text);
		return 0;
	}
	buf_done(&text);
	return r < 0 ? r : -ENOENT;
}

int filter_process_cgroups(pid_t pid, uint64_t *ret_ids, size_t max)
{
	const char *root = cgroup_root();
	char path[PATH_MAX];
	size_t cnt = 0;
	int r = root ? read_group_path(pid, path, sizeof(path)) : -EOPNOTSUPP;

	while (!r && cnt < max && strlen(path) >= strlen(root)) {
		r = group_id(path, &ret_ids[cnt]);
		if (!r)
			cnt++;
		*strrchr(path, '/') = '\0';
	}
	return r < 0 ? r : (int)cnt;
}

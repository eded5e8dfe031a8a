// SPDX-License-Identifier: BSD-2-Clause
#include "container_group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cgroup.h"

enum { DEPTH_MAX = 24, ID_LEN_MAX = 64 };

struct search {
	struct str id;
	size_t root_len;
	unsigned depth;
	unsigned found_cnt;
	uint64_t inode;
};

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.len > 0;
}

/* Is this the group of a container? 1: of the one that is looked for; 0: of another; -1: of none.
 */
static int match(const struct search *s, const char *path)
{
	char text[PATH_MAX + 8];
	struct cgroup group;
	int len = snprintf(text, sizeof(text), "0::%s", path + s->root_len);

	cgroup_parse(str_make(text, (size_t)len), &group);
	if (!group.container.id[0])
		return -1;
	return str_starts_with(str_from(group.container.id), s->id);
}

static void take(struct search *s, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	s->inode = st.st_ino;
	s->found_cnt++;
}

static int look_in(struct search *s, const char *path);

static void look_at(struct search *s, const char *path)
{
	if (match(s, path) > 0) {
		take(s, path);
		return;
	}
	/* Containers nest, so one that is another's may be inside. */
	if (s->depth == DEPTH_MAX)
		return;
	s->depth++;
	look_in(s, path);
	s->depth--;
}

static int look_in(struct search *s, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char below[PATH_MAX];

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) <
		    (int)sizeof(below))
			look_at(s, below);
	}
	closedir(dir);
	return 0;
}

int container_group_find(const char *root, struct str id, uint64_t *ret_inode)
{
	struct search s = { .id = id, .root_len = str_from(root).len };
	int r;

	if (id.len > ID_LEN_MAX || !is_hex(id))
		return -EINVAL;
	r = look_in(&s, root);
	if (r < 0)
		return r;
	if (s.found_cnt != 1)
		return s.found_cnt ? -EEXIST : -ENOENT;
	*ret_inode = s.inode;
	return 0;
}

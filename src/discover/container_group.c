// SPDX-License-Identifier: BSD-2-Clause
#include "container_group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "container_name.h"

enum { DEPTH_MAX = 24 };

struct found {
	unsigned cnt;
	uint64_t inode; /* of the last one */
};

struct search {
	struct str word;
	const char *files_root;
	size_t root_len;
	unsigned depth;
	struct found by_id, by_name;
	struct container_names names;
};

static bool take(struct found *f, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	f->inode = st.st_ino;
	f->cnt++;
	return true;
}

/* Is this the group of a container that is meant? */
static bool match(struct search *s, const char *path)
{
	char text[PATH_MAX + 8];
	struct cgroup group;
	int len = snprintf(text, sizeof(text), "0::%s", path + s->root_len);

	cgroup_parse(str_make(text, (size_t)len), &group);
	if (!group.container.id[0])
		return false;
	container_names_fill(&s->names, s->files_root, &group.container);
	if (container_name_matches(&group.container, s->word))
		return take(&s->by_name, path);
	return str_starts_with(str_from(group.container.id), s->word) && take(&s->by_id, path);
}

static int look_in(struct search *s, const char *path);

static void look_at(struct search *s, const char *path)
{
	if (match(s, path))
		return;
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

int container_group_find(const char *root, const char *files_root, struct str word,
			 uint64_t *ret_inode)
{
	struct search s = { .word = word,
			    .files_root = files_root,
			    .root_len = str_from(root).len };
	const struct found *best = &s.by_name;
	int r;

	if (!word.len)
		return -EINVAL;
	r = look_in(&s, root);
	if (r < 0)
		return r;
	if (!best->cnt)
		best = &s.by_id;
	if (best->cnt != 1)
		return best->cnt ? -EEXIST : -ENOENT;
	*ret_inode = best->inode;
	return 0;
}

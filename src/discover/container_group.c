// SPDX-License-Identifier: BSD-2-Clause
#include "container_group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "cgroup.h"
#include "container_name.h"

enum { DEPTH_MAX = 24 };

struct found {
	char id[65]; /* of the first one; "": none so far */
	int error;   /* -EEXIST: there is another one; -E2BIG */
	struct group_ids groups;
};

struct search {
	struct str word;
	const struct hierarchies *h;
	const char *files_root;
	size_t root_len;
	unsigned depth;
	struct found by_id, by_name;
	struct container_names names;
};

static bool take(struct search *s, struct found *f, const char *id, const char *path)
{
	struct group_id group;

	if (hierarchies_identify(s->h, path, &group) < 0)
		return false;
	if (!f->id[0])
		snprintf(f->id, sizeof(f->id), "%s", id);
	if (!str_eq(str_from(f->id), str_from(id)))
		f->error = -EEXIST;
	else if (f->groups.cnt == GROUP_ID_MAX)
		f->error = -E2BIG;
	else
		f->groups.ids[f->groups.cnt++] = group;
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
		return take(s, &s->by_name, group.container.id, path);
	return str_starts_with(str_from(group.container.id), s->word) &&
	       take(s, &s->by_id, group.container.id, path);
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

int container_group_find(const struct hierarchies *h, const char *files_root, struct str word,
			 struct group_ids *ret)
{
	struct search s = { .word = word, .h = h, .files_root = files_root };
	const struct found *best = &s.by_name;
	int r;

	if (!word.len)
		return -EINVAL;
	for (size_t i = 0; i < h->cnt; i++) {
		s.root_len = str_from(h->rows[i].mount).len;
		r = look_in(&s, h->rows[i].mount);
		if (r < 0)
			return r;
	}
	if (!best->id[0])
		best = &s.by_id;
	if (best->error || !best->id[0])
		return best->error ? best->error : -ENOENT;
	*ret = best->groups;
	return 0;
}

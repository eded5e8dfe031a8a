// SPDX-License-Identifier: BSD-2-Clause
#include "container_group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "container_name.h"
#include "container_owner.h"

enum { DEPTH_MAX = 24 };

struct found {
	char id[65]; /* of the first one; "": none so far */
	uid_t owner;
	int error; /* -EEXIST: there is another one; -E2BIG */
	struct group_ids groups;
};

struct search {
	struct str word;
	const struct hierarchies *h;
	const char *files_root;
	const struct hierarchy *row;
	unsigned depth;
	struct found first, others; /* what goes before the others */
	struct container_names names;
};

static bool take(struct search *s, struct found *f, const struct container *c, const char *path)
{
	struct group_id group;

	if (hierarchies_identify(s->h, path, &group) < 0)
		return false;
	if (!f->id[0]) {
		snprintf(f->id, sizeof(f->id), "%s", c->id);
		f->owner = c->owner;
	}
	if (f->owner != c->owner || !str_eq(str_from(f->id), str_from(c->id)))
		f->error = -EEXIST;
	else if (f->groups.cnt == GROUP_ID_MAX)
		f->error = -E2BIG;
	else
		f->groups.ids[f->groups.cnt++] = group;
	return true;
}

/* The container that the group at `path` is of; its id is "" if it is of none. */
static struct container container_at(struct search *s, const char *path)
{
	const char *below = path + strlen(s->row->mount), *root = s->row->root;
	char text[2 * PATH_MAX];
	struct cgroup group;
	int len = snprintf(text, sizeof(text), "0::%s", below);

	cgroup_parse(str_make(text, (size_t)len), &group);
	if (!group.container.id[0])
		return group.container;
	snprintf(text, sizeof(text), "%s%s", root[1] ? root : "", below);
	group.container.owner = container_owner_find(s->h, text);
	container_names_fill(&s->names, s->files_root, &group.container);
	return group.container;
}

/* Is this the group of a container that is meant? */
static bool match(struct search *s, const char *path)
{
	const struct container c = container_at(s, path);
	struct str id = str_from(c.id);
	bool is_named, is_first;

	if (!id.len)
		return false;
	is_named = container_name_matches(&c, s->word);
	is_first = container_is_of_system(&c) && (is_named || str_eq(id, s->word));
	return (is_named || str_starts_with(id, s->word)) &&
	       take(s, is_first ? &s->first : &s->others, &c, path);
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
	const struct found *best = &s.first;
	int r;

	if (!word.len)
		return -EINVAL;
	for (size_t i = 0; i < h->cnt; i++) {
		s.row = &h->rows[i];
		r = look_in(&s, h->rows[i].mount);
		if (r < 0)
			return r;
	}
	if (!best->id[0])
		best = &s.others;
	if (best->error || !best->id[0])
		return best->error ? best->error : -ENOENT;
	*ret = best->groups;
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * mountinfo(5) says where each hierarchy is mounted and with which controllers, /proc/self/cgroup
 * which number the hierarchy of a controller has.
 */
#include "hierarchy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "cgroup.h"
#include "open_file.h"

enum { MOUNTS_MAX = 16 << 20, CGROUPS_MAX = 65536 };

/* A line of mountinfo. */
struct mount_line {
	struct str dev, root, where, kind, options;
};

static bool split_mount(struct str line, struct mount_line *ret)
{
	struct str part, *const fields[] = { NULL, NULL, &ret->dev, &ret->root, &ret->where };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!str_next_part(&line, ' ', &part))
			return false;
		if (fields[i])
			*fields[i] = part;
	}
	while (str_next_part(&line, ' ', &part) && !str_eq(part, STR_LIT("-")))
		;
	return str_next_part(&line, ' ', &ret->kind) && str_next_part(&line, ' ', &part) &&
	       str_next_part(&line, ' ', &ret->options);
}

static bool is_octal(const char *p, size_t left)
{
	return left >= 4 && p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
	       p[2] <= '7' && p[3] >= '0' && p[3] <= '7';
}

/* Spaces and the like are there as "\040". */
static char *unescape(struct str s)
{
	char *text = str_dup(s), *to = text;

	for (size_t i = 0; text && i < s.len; i++) {
		if (is_octal(s.p + i, s.len - i)) {
			*to++ = (char)((s.p[i + 1] - '0') << 6 | (s.p[i + 2] - '0') << 3 |
				       (s.p[i + 3] - '0'));
			i += 3;
		} else {
			*to++ = s.p[i];
		}
	}
	if (text)
		*to = '\0';
	return text;
}

static bool list_has(struct str list, struct str word)
{
	struct str part;

	while (str_next_part(&list, ',', &part))
		if (str_eq(part, word))
			return true;
	return false;
}

bool hierarchy_has(const struct hierarchy *h, struct str controller)
{
	return list_has(str_from(h->names), controller);
}

/* Its number and its controllers; mounts of version 1 name one of these at least. */
static bool find_number(struct str cgroups, const struct mount_line *m, struct cgroup_line *ret)
{
	struct str line, names, first;

	while (str_next_part(&cgroups, '\n', &line)) {
		if (!cgroup_line_parse(line, ret))
			continue;
		names = ret->controllers;
		if (str_eq(m->kind, STR_LIT("cgroup2"))
			    ? !names.len
			    : str_next_part(&names, ',', &first) && list_has(m->options, first))
			return true;
	}
	return false;
}

static bool parse_dev(struct str text, dev_t *ret)
{
	struct str major_part;
	uint64_t high, low;

	if (!str_next_part(&text, ':', &major_part) || str_to_u64(major_part, 10, &high) < 0 ||
	    str_to_u64(text, 10, &low) < 0)
		return false;
	*ret = makedev((unsigned)high, (unsigned)low);
	return true;
}

static void row_done(struct hierarchy *row)
{
	free(row->names);
	free(row->mount);
	free(row->root);
}

static int fill_row(struct hierarchy *row, const struct mount_line *m, const struct cgroup_line *c)
{
	*row = (struct hierarchy){
		.number = c->number,
		.names = str_dup(c->controllers),
		.mount = unescape(m->where),
		.root = unescape(m->root),
	};
	if (row->names && row->mount && row->root && parse_dev(m->dev, &row->dev))
		return 0;
	row_done(row);
	return -ENOMEM;
}

static int take_mount(struct hierarchies *h, const struct mount_line *m, struct str cgroups)
{
	struct cgroup_line c;
	size_t i = 0;
	bool is_known;
	int r;

	if ((!str_eq(m->kind, STR_LIT("cgroup")) && !str_eq(m->kind, STR_LIT("cgroup2"))) ||
	    !find_number(cgroups, m, &c))
		return 0;
	while (i < h->cnt && h->rows[i].number != c.number)
		i++;
	is_known = i < h->cnt;
	if (i == HIERARCHY_MAX || (is_known && (str_eq(str_from(h->rows[i].root), STR_LIT("/")) ||
						!str_eq(m->root, STR_LIT("/")))))
		return 0;
	if (is_known) {
		row_done(&h->rows[i]);
		h->rows[i] = h->rows[--h->cnt];
	}
	r = fill_row(&h->rows[h->cnt], m, &c);
	if (!r)
		h->cnt++;
	return r;
}

static int read_text(const char *proc_root, const char *name, struct buf *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", proc_root, name);
	return read_file(path, ret);
}

int hierarchies_read(const char *proc_root, struct hierarchies *ret)
{
	struct buf mounts, cgroups;
	struct mount_line m;
	struct str rest, line;
	int r;

	*ret = (struct hierarchies){ 0 };
	buf_init(&mounts, MOUNTS_MAX);
	buf_init(&cgroups, CGROUPS_MAX);
	r = read_text(proc_root, "self/mountinfo", &mounts);
	if (!r)
		r = read_text(proc_root, "self/cgroup", &cgroups);
	rest = str_make(mounts.data, mounts.len);
	while (!r && str_next_part(&rest, '\n', &line))
		if (split_mount(line, &m))
			r = take_mount(ret, &m, str_make(cgroups.data, cgroups.len));
	buf_done(&mounts);
	buf_done(&cgroups);
	if (r < 0)
		hierarchies_done(ret);
	return r;
}

void hierarchies_done(struct hierarchies *h)
{
	while (h->cnt)
		row_done(&h->rows[--h->cnt]);
}

void hierarchies_keep(struct hierarchies *h, bool (*keep)(const void *user, uint32_t number),
		      const void *user)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->cnt; i++) {
		if (keep(user, h->rows[i].number))
			h->rows[kept++] = h->rows[i];
		else
			row_done(&h->rows[i]);
	}
	h->cnt = kept;
}

int hierarchies_identify(const struct hierarchies *h, const char *path, struct group_id *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	for (size_t i = 0; S_ISDIR(st.st_mode) && i < h->cnt; i++) {
		if (h->rows[i].dev != st.st_dev)
			continue;
		*ret = (struct group_id){ st.st_ino, h->rows[i].number };
		return 0;
	}
	return -EINVAL;
}

/* Seen from a namespace of groups, "/.." is what is outside of it. */
static bool leads_out(struct str below)
{
	return str_starts_with(below, STR_LIT("/..")) && (below.len == 3 || below.p[3] == '/');
}

bool hierarchy_folder(const struct hierarchy *h, struct str path, char *to, size_t size)
{
	struct str root = str_from(h->root), below;

	if (str_eq(root, STR_LIT("/")))
		root.len = 0;
	if (!str_starts_with(path, root) || (path.len > root.len && path.p[root.len] != '/'))
		return false;
	below = str_make(path.p + root.len, path.len - root.len);
	return !leads_out(below) &&
	       snprintf(to, size, "%s%.*s", h->mount, STR_FMT(below)) < (int)size;
}

static size_t add_upwards(const struct hierarchies *h, const struct hierarchy *row, char *folder,
			  struct group_id *ret, size_t max)
{
	size_t top = str_from(row->mount).len, cnt = 0;

	for (; cnt < max && str_from(folder).len >= top; *strrchr(folder, '/') = '\0')
		if (!hierarchies_identify(h, folder, &ret[cnt]) &&
		    ret[cnt].hierarchy == row->number)
			cnt++;
	return cnt;
}

int hierarchies_of_process(const struct hierarchies *h, pid_t pid, struct group_id *ret, size_t max)
{
	char name[64], folder[PATH_MAX];
	struct cgroup_line c;
	struct str rest, line;
	struct buf text;
	size_t cnt = 0;
	int r;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	buf_init(&text, CGROUPS_MAX);
	r = read_file(name, &text);
	rest = str_make(text.data, text.len);
	while (!r && str_next_part(&rest, '\n', &line)) {
		if (!cgroup_line_parse(line, &c))
			continue;
		for (size_t i = 0; i < h->cnt; i++)
			if (h->rows[i].number == c.number &&
			    hierarchy_folder(&h->rows[i], c.path, folder, sizeof(folder)))
				cnt += add_upwards(h, &h->rows[i], folder, ret + cnt, max - cnt);
	}
	buf_done(&text);
	return r < 0 ? r : (int)cnt;
}

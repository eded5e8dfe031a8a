// SPDX-License-Identifier: BSD-2-Clause
#include "filter_group.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "container_group.h"
#include "open_file.h"

enum { CONTROLLERS_MAX = 16384, PLACES_MAX = 400 };

static const struct str usual_place = STR_LIT("/sys/fs/cgroup/");

static int no_hierarchy(const struct filter_word *w, struct error *ret_error)
{
	return error_set(ret_error, -EOPNOTSUPP,
			 FILTER_WORD_FMT ": no control groups are mounted here; filter by --comm, "
					 "--uid, --exe or --netns instead",
			 FILTER_WORD_ARGS(w));
}

/* The first that is wrong says most. */
static int worse(int before, int r)
{
	return before == -ENOENT ? r : before;
}

static int add(const struct hierarchies *h, const char *path, struct group_ids *ret)
{
	int r = ret->cnt < GROUP_ID_MAX ? hierarchies_identify(h, path, &ret->ids[ret->cnt])
					: -ENOSPC;

	if (!r)
		ret->cnt++;
	return r;
}

/* 0: something was found. */
static int find_groups(const struct hierarchies *h, const char *word, struct group_ids *ret)
{
	char path[PATH_MAX];
	int r = -ENOENT;

	*ret = (struct group_ids){ 0 };
	if (word[0] == '/') {
		r = add(h, word, ret);
		if (!r)
			return 0;
	}
	for (size_t i = 0; i < h->cnt; i++) {
		snprintf(path, sizeof(path), "%s/%s", h->rows[i].mount, word);
		r = worse(r, add(h, path, ret));
	}
	if (!ret->cnt && word[0] != '/') {
		snprintf(path, sizeof(path), "%s%s", usual_place.p, word);
		r = worse(r, add(h, path, ret));
	}
	return ret->cnt ? 0 : r;
}

/* The controller that a path begins with, if it is one; else empty. */
static struct str controller_of(const char *word)
{
	struct str path = str_from(word), name = { 0 }, rest, line, known;
	struct buf text;
	bool found = false;

	if (str_starts_with(path, usual_place))
		path = str_from(word + usual_place.len);
	str_next_part(&path, '/', &name);
	buf_init(&text, CONTROLLERS_MAX);
	read_file("/proc/cgroups", &text);
	rest = str_make(text.data, text.len);
	while (!found && name.len && str_next_part(&rest, '\n', &line))
		found = str_next_part(&line, '\t', &known) && str_eq(known, name);
	buf_done(&text);
	return found ? name : (struct str){ 0 };
}

static bool is_mounted(const struct hierarchies *h, struct str controller)
{
	for (size_t i = 0; i < h->cnt; i++)
		if (hierarchy_has(&h->rows[i], controller))
			return true;
	return false;
}

static int no_controller(const struct hierarchies *h, const struct filter_word *w,
			 struct str controller, struct error *ret_error)
{
	char places[PLACES_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < h->cnt && len < sizeof(places); i++)
		len += (size_t)snprintf(places + len, sizeof(places) - len, "%s%s", i ? ", " : "",
					h->rows[i].mount);
	return error_set(ret_error, -EOPNOTSUPP,
			 FILTER_WORD_FMT
			 ": no hierarchy of the controller '%.*s' is mounted; name a "
			 "group in one that is: %s",
			 FILTER_WORD_ARGS(w), STR_FMT(controller), places);
}

int filter_value_cgroup_in(const struct hierarchies *h, const struct filter_word *w,
			   struct group_ids *ret, struct error *ret_error)
{
	struct str controller;
	int r;

	if (!h->cnt)
		return no_hierarchy(w, ret_error);
	r = find_groups(h, w->text, ret);
	if (!r)
		return 0;
	controller = controller_of(w->text);
	if (controller.len && !is_mounted(h, controller))
		return no_controller(h, w, controller, ret_error);
	return error_set(ret_error, r,
			 FILTER_WORD_FMT ": there is no such control group; systemd-cgls and "
					 "/proc/PID/cgroup show them",
			 FILTER_WORD_ARGS(w));
}

int filter_value_container_in(const struct hierarchies *h, const char *files_root,
			      const struct filter_word *w, struct group_ids *ret,
			      struct error *ret_error)
{
	int r;

	if (!h->cnt)
		return no_hierarchy(w, ret_error);
	r = container_group_find(h, files_root, str_from(w->text), ret);
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
		return error_set_errno(ret_error, r,
				       FILTER_WORD_FMT ": cannot look through the control groups",
				       FILTER_WORD_ARGS(w));
	return 0;
}

static int read_hierarchies(const struct filter_word *w, struct hierarchies *ret,
			    struct error *ret_error)
{
	int r = hierarchies_read("/proc", ret);

	return r < 0 ? error_set_errno(ret_error, r,
				       FILTER_WORD_FMT ": cannot find the control groups",
				       FILTER_WORD_ARGS(w))
		     : 0;
}

int filter_value_cgroup(const struct filter_word *w, struct group_ids *ret, struct error *ret_error)
{
	struct hierarchies h;
	int r = read_hierarchies(w, &h, ret_error);

	if (r < 0)
		return r;
	r = filter_value_cgroup_in(&h, w, ret, ret_error);
	hierarchies_done(&h);
	return r;
}

int filter_value_container(const struct filter_word *w, struct group_ids *ret,
			   struct error *ret_error)
{
	struct hierarchies h;
	int r = read_hierarchies(w, &h, ret_error);

	if (r < 0)
		return r;
	r = filter_value_container_in(&h, "", w, ret, ret_error);
	hierarchies_done(&h);
	return r;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "filters.h"

#include <errno.h>
#include <stdio.h>

#include "attach/kernel_side.h"
#include "attach/trait_filter.h"
#include "base/cidr.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "discover/filter_group.h"
#include "discover/filter_value.h"
#include "discover/hierarchy.h"
#include "discover/open_file.h"
#include "discover/process_info.h"
#include "discover/process_tree.h"
#include "model/filter.h"
#include "model/process.h"
#include "state.h"

bool filters_has_process_words(const struct app_options *opt)
{
	for (size_t i = 0; i < opt->filter_cnt; i++)
		if (filter_kind_is_of_process(opt->filters[i].kind))
			return true;
	return false;
}

/* Whoever filled the options has looked at the words: these are ports and addresses. */
static int add_conn_rule(struct conn_rules *rules, const struct filter_word *w)
{
	enum conn_wish wish = w->exclude ? CONN_REFUSED : CONN_WANTED;
	struct cidr net;
	uint64_t port;
	int r;

	if (w->kind == FILTER_PORT) {
		r = str_to_u64(str_from(w->text), 10, &port);
		return r < 0 ? r : conn_rules_add_port(rules, (uint16_t)port, wish);
	}
	r = cidr_parse(str_from(w->text), &net);
	return r < 0 ? r : conn_rules_add_host(rules, &net, wish);
}

int filters_take_conn_rules(struct app *a, struct error *ret_error)
{
	for (size_t i = 0; i < a->opt->filter_cnt; i++) {
		const struct filter_word *w = &a->opt->filters[i];
		int r = filter_kind_is_of_process(w->kind) ? 0 : add_conn_rule(&a->conn_rules, w);

		if (r < 0)
			return error_set(ret_error, r,
					 FILTER_WORD_FMT ": more than %d of that kind",
					 FILTER_WORD_ARGS(w), CONN_RULE_MAX);
	}
	return 0;
}

static int exe_key(struct app *a, const char *path, struct trait_key *ret)
{
	CLEANUP_CLOSE int fd = open_regular(path);
	struct file_id id;
	int r;

	if (fd < 0)
		return fd;
	r = kernel_side_identify_file(a->kernel, fd, &id);
	if (r < 0)
		return r == -EBADF ? -EOPNOTSUPP : r;
	*ret = trait_exe(id.ino, id.dev, id.generation);
	return 0;
}

static int resolve_exe(struct app *a, const struct filter_word *w, struct trait_key *ret,
		       struct error *ret_error)
{
	int r = exe_key(a, w->text, ret);

	return r < 0 ? error_set_errno(ret_error, r, FILTER_WORD_FMT ": cannot open this program",
				       FILTER_WORD_ARGS(w))
		     : 0;
}

static int resolve(struct app *a, const struct filter_word *w, struct trait_key *ret,
		   struct error *ret_error)
{
	static const struct {
		enum process_trait trait;
		int (*value_of)(const struct filter_word *w, uint64_t *ret,
				struct error *ret_error);
	} rows[FILTER_KIND_CNT] = {
		[FILTER_UID] = { TRAIT_UID, filter_value_uid },
		[FILTER_NETNS] = { TRAIT_NETNS, filter_value_netns },
	};
	uint64_t value;
	int r;

	if (w->kind == FILTER_EXE)
		return resolve_exe(a, w, ret, ret_error);
	if (w->kind == FILTER_COMM) {
		*ret = trait_comm(str_from(w->text));
		return 0;
	}
	r = rows[w->kind].value_of(w, &value, ret_error);
	if (!r)
		*ret = trait_number(rows[w->kind].trait, value);
	return r;
}

static int add_key(struct app *a, const struct filter_word *w, const struct trait_key *key,
		   struct error *ret_error)
{
	int r = trait_filter_add(&a->filter, key, w->exclude ? TRAIT_REFUSED : TRAIT_WANTED);

	return r < 0 ? error_set(ret_error, r, FILTER_WORD_FMT ": too many filters",
				 FILTER_WORD_ARGS(w))
		     : 0;
}

static bool names_groups(const struct filter_word *w)
{
	return w->kind == FILTER_CGROUP || w->kind == FILTER_CONTAINER;
}

static int find_groups(const struct filter_word *w, struct group_ids *ret, struct error *ret_error)
{
	return w->kind == FILTER_CGROUP ? filter_value_cgroup(w, ret, ret_error)
					: filter_value_container(w, ret, ret_error);
}

static int add_groups(struct app *a, const struct filter_word *w, struct error *ret_error)
{
	struct group_ids groups;
	int r = find_groups(w, &groups, ret_error);

	for (size_t i = 0; !r && i < groups.cnt; i++) {
		struct trait_key key = trait_cgroup(groups.ids[i]);

		r = add_key(a, w, &key, ret_error);
	}
	return r;
}

static int add_word(struct app *a, const struct filter_word *w, struct error *ret_error)
{
	struct trait_key key;
	int r;

	if (names_groups(w))
		return add_groups(a, w, ret_error);
	r = resolve(a, w, &key, ret_error);
	return r < 0 ? r : add_key(a, w, &key, ret_error);
}

static void exclude(void *user, pid_t pid)
{
	struct app *a = user;

	if (kernel_side_exclude(a->kernel, pid) < 0)
		log_say(LOG_WARNING, "process %d cannot be kept out: too many processes", (int)pid);
}

/* First the process itself: a child that it starts meanwhile is then kept out by the kernel. */
static int exclude_tree(struct app *a, const struct filter_word *w, struct error *ret_error)
{
	struct process_tree tree;
	uint64_t pid;
	int r = filter_value_pid(w, &pid, ret_error);

	if (r < 0)
		return r;
	exclude(a, (pid_t)pid);
	r = process_tree_read(&tree, "/proc");
	if (r < 0)
		return error_set_errno(ret_error, r, FILTER_WORD_FMT ": cannot find its children",
				       FILTER_WORD_ARGS(w));
	process_tree_descendants(&tree, (pid_t)pid, exclude, a);
	process_tree_done(&tree);
	return 0;
}

int filters_apply(struct app *a, struct error *ret_error)
{
	const struct app_options *opt = a->opt;
	int r = 0;

	if (!filters_has_process_words(opt))
		return 0;
	for (size_t i = 0; !r && i < opt->filter_cnt; i++)
		if (opt->filters[i].kind != FILTER_PID &&
		    filter_kind_is_of_process(opt->filters[i].kind))
			r = add_word(a, &opt->filters[i], ret_error);
	if (r < 0)
		return r;
	r = kernel_side_set_filter(a->kernel, &a->filter, app_is_whole_machine(opt));
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot hand the filters to the kernel");
	for (size_t i = 0; !r && i < opt->filter_cnt; i++)
		if (opt->filters[i].kind == FILTER_PID)
			r = exclude_tree(a, &opt->filters[i], ret_error);
	return r;
}

/* Does the word still stand for a group that it stood for in the beginning? */
static bool is_there(const struct app *a, const struct filter_word *w)
{
	struct group_ids groups;
	int r = find_groups(w, &groups, NULL);

	/* There may be several by now, and what not: only one that is gone is meant. */
	if (r < 0)
		return r != -ENOENT;
	for (size_t i = 0; i < groups.cnt; i++) {
		struct trait_key key = trait_cgroup(groups.ids[i]);

		if (trait_filter_has(&a->filter, &key))
			return true;
	}
	return false;
}

void filters_say_removed(struct app *a)
{
	for (size_t i = 0; i < a->opt->filter_cnt; i++) {
		const struct filter_word *w = &a->opt->filters[i];

		if (names_groups(w) && !is_there(a, w))
			log_say(LOG_WARNING,
				FILTER_WORD_FMT ": this control group was removed meanwhile; one "
						"that was made again under its name is another one",
				FILTER_WORD_ARGS(w));
	}
}

/* As the kernel side reads them; what is not known is no value that a filter could want. */
static void read_traits(struct app *a, const struct hierarchies *h, const struct process *p,
			struct process_traits *ret)
{
	char exe[64];
	uint64_t netns;
	int cnt;

	*ret = (struct process_traits){ 0 };
	ret->values[TRAIT_COMM] = trait_comm(str_from(p->comm));
	ret->values[TRAIT_UID] = trait_number(TRAIT_UID, p->uid);
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)p->pid);
	if (!(a->filter.asked & FILTERS_ASK_FOR(TRAIT_EXE)) ||
	    exe_key(a, exe, &ret->values[TRAIT_EXE]) < 0)
		ret->values[TRAIT_EXE] = trait_exe(0, 0, 0);
	if (filter_process_netns(p->pid, &netns) < 0)
		netns = 0;
	ret->values[TRAIT_NETNS] = trait_number(TRAIT_NETNS, netns);
	cnt = h->cnt ? hierarchies_of_process(h, p->pid, ret->cgroups, TRAIT_CGROUP_MAX) : 0;
	ret->cgroup_cnt = cnt > 0 ? (size_t)cnt : 0;
}

static bool lets_in(struct app *a, const struct hierarchies *h, pid_t pid)
{
	struct process *p = process_info_read(pid);
	struct process_traits traits;

	if (!p)
		return false;
	read_traits(a, h, p, &traits);
	process_unref(p);
	return trait_filter_lets_in(&a->filter, &traits);
}

static bool is_named(const void *user, uint32_t hierarchy)
{
	const struct app *a = user;

	return trait_filter_names_hierarchy(&a->filter, hierarchy);
}

int filters_each_running(struct app *a, filters_fn fn, void *user)
{
	struct hierarchies h = { 0 };
	struct process_tree tree;
	int r;

	if (!(a->filter.asked & FILTERS_WANT_ANY))
		return 0;
	r = process_tree_read(&tree, "/proc");
	if (r < 0)
		return r;
	if (a->filter.asked & FILTERS_ASK_FOR(TRAIT_CGROUP))
		r = hierarchies_read("/proc", &h);
	hierarchies_keep(&h, is_named, a);
	for (size_t i = 0; !r && i < tree.cnt; i++)
		if (lets_in(a, &h, tree.links[i].pid))
			fn(user, tree.links[i].pid);
	hierarchies_done(&h);
	process_tree_done(&tree);
	return r;
}

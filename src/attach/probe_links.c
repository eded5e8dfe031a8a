// SPDX-License-Identifier: BSD-2-Clause
#include "probe_links.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "links.h"
#include "records.h"
#include "tls.skel.h"
#include "witness.h"

struct place_list {
	uint64_t offsets[TARGET_POINT_MAX];
	uint64_t cookies[TARGET_POINT_MAX];
	struct link_places places;
};

/* What is to be attached. */
struct job {
	const struct prober *prober;
	enum probe_family family;
	const struct target *target;
	const struct probe_point *points;
	size_t cnt;
	pid_t where; /* a pid, or else */
	char path[64];
	struct link_set *links;
};

static bool is_wanted(const struct job *j, const struct probe_point *p, bool only_returning)
{
	if (p->role == PROBE_SET_BIO && !j->prober->sees_bios)
		return false;
	return !only_returning || probe_role_moves_bytes(p->role);
}

static int add_link(struct link_set *links, int fd)
{
	if (fd < 0)
		return fd;
	if (links->cnt == sizeof(links->fds) / sizeof(links->fds[0])) {
		close(fd);
		return -ENOBUFS;
	}
	links->fds[links->cnt++] = fd;
	return 0;
}

static pid_t only_in(const struct job *j)
{
	return j->where == PROBE_OUTSIDE_HOME ? 0 : j->where;
}

static uint64_t cookie_of(const struct job *j, const struct probe_point *p)
{
	return PROBE_COOKIE(p->role, p->len_from, j->target->id) |
	       (j->family == FAMILY_TAKE_OVER ? PROBE_COOKIE_TAKES_OVER : 0) |
	       (j->where == PROBE_OUTSIDE_HOME ? PROBE_COOKIE_OUTSIDE_HOME : 0);
}

static void list_places(const struct job *j, bool only_returning, struct place_list *ret)
{
	uint32_t cnt = 0;

	for (size_t i = 0; i < j->cnt; i++) {
		if (!is_wanted(j, &j->points[i], only_returning))
			continue;
		ret->offsets[cnt] = j->points[i].file_off;
		ret->cookies[cnt++] = cookie_of(j, &j->points[i]);
	}
	ret->places = (struct link_places){ j->path, ret->offsets, ret->cookies, cnt, only_in(j) };
}

static const struct bpf_program *cookie_program(const struct job *j, bool at_return)
{
	const struct tls_bpf *tls = j->prober->tls;

	if (j->family == FAMILY_WITNESS)
		return at_return ? tls->progs.tls_witness_return : tls->progs.tls_witness_entry;
	return at_return ? tls->progs.tls_return : tls->progs.tls_entry;
}

static int attach_session(const struct job *j)
{
	const struct tls_bpf *tls = j->prober->tls;
	struct place_list all;

	list_places(j, false, &all);
	return add_link(j->links,
			link_uprobe_multi(bpf_program__fd(j->family == FAMILY_WITNESS
								  ? tls->progs.tls_witness_session
								  : tls->progs.tls_session),
					  LINK_TYPE_UPROBE_SESSION, false, &all.places));
}

/* Returns first: an entry without its return would leave a state behind. */
static int attach_multi(const struct job *j)
{
	struct place_list list;
	int r;

	list_places(j, true, &list);
	r = add_link(j->links, link_uprobe_multi(bpf_program__fd(cookie_program(j, true)),
						 LINK_TYPE_UPROBE_MULTI, true, &list.places));
	if (r < 0)
		return r;
	list_places(j, false, &list);
	return add_link(j->links, link_uprobe_multi(bpf_program__fd(cookie_program(j, false)),
						    LINK_TYPE_UPROBE_MULTI, false, &list.places));
}

/* Who takes over has returns like anybody else's. */
static const char *plain_prefix(enum probe_family family, bool at_return)
{
	if (family == FAMILY_WITNESS)
		return "witness_";
	return family == FAMILY_TAKE_OVER && !at_return ? "over_" : "";
}

/* "tls_", a prefix or none, role, where the length is, and which end of the call. */
static const struct bpf_program *plain_program(const struct job *j, const struct probe_point *p,
					       bool at_return)
{
	static const char *const lengths[] = { NULL, "result", "arg3", "arg4" };
	static const char *const roles[] = {
		[PROBE_READ] = "read", [PROBE_WRITE] = "write", [PROBE_SENDFILE] = "sendfile"
	};
	char name[64];

	if (p->role == PROBE_FREE)
		return j->prober->tls->progs.tls_free_entry;
	if (p->role == PROBE_CLEAR)
		return j->prober->tls->progs.tls_clear_entry;
	if (p->role == PROBE_SHUTDOWN)
		return j->prober->tls->progs.tls_shutdown_entry;
	if (p->len_from == PROBE_LEN_NONE || p->len_from > PROBE_LEN_AT_ARG4)
		return NULL;
	snprintf(name, sizeof(name), "tls_%s%s_%s_%s", plain_prefix(j->family, at_return),
		 roles[p->role], lengths[p->len_from], at_return ? "return" : "entry");
	return bpf_object__find_program_by_name(j->prober->tls->obj, name);
}

static int attach_perf_one(const struct job *j, const struct probe_point *p, bool at_return)
{
	bool cookie = j->prober->has_cookie;
	const struct bpf_program *prog = cookie ? cookie_program(j, at_return)
						: plain_program(j, p, at_return);
	uint64_t offset = p->file_off, spec = cookie_of(j, p);
	struct link_places place = { j->path, &offset, &spec, 1, only_in(j) };

	if (!prog)
		return -EOPNOTSUPP;
	return add_link(j->links,
			link_perf_uprobe(bpf_program__fd(prog), &place, at_return, cookie));
}

static int attach_perf(const struct job *j)
{
	int r = 0;

	for (size_t i = 0; !r && i < j->cnt; i++)
		if (is_wanted(j, &j->points[i], true))
			r = attach_perf_one(j, &j->points[i], true);
	for (size_t i = 0; !r && i < j->cnt; i++)
		if (is_wanted(j, &j->points[i], false))
			r = attach_perf_one(j, &j->points[i], false);
	return r;
}

int probe_links_attach(const struct prober *p, enum probe_family family, const struct target *t,
		       const struct probe_point *points, size_t cnt, pid_t pid_or_where,
		       struct link_set *ret)
{
	struct job j = { p, family, t, points, cnt, pid_or_where, "", ret };
	int r;

	ret->cnt = 0;
	snprintf(j.path, sizeof(j.path), "/proc/self/fd/%d", t->fd);
	switch (p->fashion) {
	case FASHION_SESSION:
		r = attach_session(&j);
		break;
	case FASHION_MULTI:
		r = attach_multi(&j);
		break;
	default:
		r = attach_perf(&j);
		break;
	}
	if (r < 0)
		probe_links_close(ret);
	return r;
}

void probe_links_close(struct link_set *links)
{
	while (links->cnt)
		close(links->fds[--links->cnt]);
}

bool probe_links_use(const struct prober *p, const struct bpf_program *prog)
{
	const struct tls_bpf *tls = p->tls;
	bool session = prog == tls->progs.tls_session || prog == tls->progs.tls_witness_session;
	bool by_cookie = prog == tls->progs.tls_entry || prog == tls->progs.tls_return ||
			 prog == tls->progs.tls_witness_entry ||
			 prog == tls->progs.tls_witness_return;

	if (p->fashion == FASHION_SESSION)
		return session;
	if (p->has_cookie)
		return by_cookie;
	return !by_cookie && !session;
}

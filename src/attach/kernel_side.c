// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two objects share their maps: `proc` is loaded first and owns them, `tls` takes them over. Of
 * the programs in `tls` only those are loaded that the chosen fashion of links needs.
 */
#include "kernel_side.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "control.h"
#include "links.h"
#include "model/target.h"
#include "proc.skel.h"
#include "tls.skel.h"
#include "watchdog.h"

enum fashion { FASHION_SESSION, FASHION_MULTI, FASHION_PERF };

struct kernel_side {
	struct proc_bpf *proc;
	struct tls_bpf *tls;
	struct capture_control *control;
	struct features features;
	enum fashion fashion;
	uint32_t ring_size;
	struct watchdog watchdog;
	int *links; /* descriptors; closing one detaches */
	size_t link_cnt;
};

const char *kernel_side_fashion(const struct kernel_side *k)
{
	static const char *const names[] = { "session", "multi", "perf" };

	return names[k->fashion];
}

static int libbpf_say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_DEBUG)
		log_say_va(LOG_DEBUG, fmt, ap);
	return 0;
}

static enum fashion choose_fashion(const struct features *f)
{
	if (f->has[FEATURE_SESSION])
		return FASHION_SESSION;
	return f->has[FEATURE_MULTI] ? FASHION_MULTI : FASHION_PERF;
}

static int load_proc(struct kernel_side *k, struct error *ret_error)
{
	int r;

	k->proc = proc_bpf__open();
	if (!k->proc)
		return error_set_errno(ret_error, -errno,
				       "cannot open the BPF object for processes");
	bpf_map__set_max_entries(k->proc->maps.ring, k->ring_size);
	r = proc_bpf__load(k->proc);
	if (r < 0)
		return error_set_errno(ret_error, r,
				       "the kernel refused the BPF programs for processes");
	r = proc_bpf__attach(k->proc);
	if (r < 0)
		return error_set_errno(ret_error, r,
				       "cannot attach to the kernel's process tracepoints");
	return 0;
}

static bool program_is_needed(const struct kernel_side *k, const struct bpf_program *prog)
{
	const struct tls_bpf *tls = k->tls;
	bool by_cookie = prog == tls->progs.tls_entry || prog == tls->progs.tls_return;

	if (k->fashion == FASHION_SESSION)
		return prog == tls->progs.tls_session;
	if (k->features.has[FEATURE_COOKIE])
		return by_cookie;
	return !by_cookie && prog != tls->progs.tls_session;
}

static void choose_programs(struct kernel_side *k)
{
	struct bpf_program *prog;
	unsigned type = 0;

	if (k->fashion == FASHION_SESSION)
		type = LINK_TYPE_UPROBE_SESSION;
	else if (k->fashion == FASHION_MULTI)
		type = LINK_TYPE_UPROBE_MULTI;
	bpf_object__for_each_program(prog, k->tls->obj)
	{
		bpf_program__set_autoload(prog, program_is_needed(k, prog));
		bpf_program__set_expected_attach_type(prog, type);
	}
}

static int share_maps(struct kernel_side *k)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, k->proc->obj)
	{
		struct bpf_map *twin;
		int r;

		if (bpf_map__is_internal(map))
			continue;
		twin = bpf_object__find_map_by_name(k->tls->obj, bpf_map__name(map));
		if (!twin)
			continue;
		r = bpf_map__reuse_fd(twin, bpf_map__fd(map));
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_tls(struct kernel_side *k, struct error *ret_error)
{
	int r;

	k->tls = tls_bpf__open();
	if (!k->tls)
		return error_set_errno(ret_error, -errno, "cannot open the BPF object for TLS");
	k->tls->rodata->has_user_dynptr = k->features.has[FEATURE_USER_DYNPTR];
	k->tls->rodata->has_bpf_loop = k->features.has[FEATURE_LOOP];
	choose_programs(k);
	r = share_maps(k);
	if (!r && k->fashion == FASHION_SESSION)
		r = kfuncs_link(&k->features.kfuncs, k->tls->progs.tls_session);
	if (!r)
		r = tls_bpf__load(k->tls);
	if (r < 0)
		return error_set_errno(
			ret_error, r,
			"the kernel refused the BPF programs for TLS (-vv says more)");
	return 0;
}

static int open_control(struct kernel_side *k, const struct kernel_side_options *opt,
			struct error *ret_error)
{
	k->control = control_map(bpf_map__fd(k->proc->maps.control));
	if (!k->control)
		return error_set_errno(ret_error, -errno, "cannot map the shared control page");
	k->control->watch_all = opt->watch_all;
	k->control->pause = opt->pause;
	k->control->self_pid = (uint32_t)getpid();
	return 0;
}

int kernel_side_open(const struct kernel_side_options *opt, struct kernel_side **ret,
		     struct error *ret_error)
{
	struct kernel_side *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return error_set_errno(ret_error, -ENOMEM, "cannot start");
	libbpf_set_print(libbpf_say);
	k->ring_size = opt->ring_size;
	r = features_probe(opt->forbidden, &k->features, ret_error);
	if (r < 0)
		goto out;
	k->fashion = choose_fashion(&k->features);
	r = load_proc(k, ret_error);
	if (r < 0)
		goto out;
	r = open_control(k, opt, ret_error);
	if (r < 0)
		goto out;
	r = load_tls(k, ret_error);
	if (r < 0 || opt->pause == PAUSE_NEVER)
		goto out;
	r = watchdog_start(&k->watchdog, bpf_map__fd(k->tls->maps.paused));
	if (r < 0)
		error_set_errno(ret_error, r, "cannot start the watchdog process");
out:
	if (r < 0) {
		kernel_side_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

static int add_link(struct kernel_side *k, int fd)
{
	int *links;

	if (fd < 0)
		return fd;
	links = realloc(k->links, (k->link_cnt + 1) * sizeof(*links));
	if (!links) {
		close(fd);
		return -ENOMEM;
	}
	links[k->link_cnt++] = fd;
	k->links = links;
	return 0;
}

static uint64_t cookie_of(const struct target *t, const struct probe_point *p)
{
	return PROBE_COOKIE(p->role, p->len_from, t->id);
}

struct place_list {
	uint64_t offsets[TARGET_POINT_MAX];
	uint64_t cookies[TARGET_POINT_MAX];
	struct link_places places;
};

static void list_places(const struct target *t, const char *path, bool only_returning,
			struct place_list *ret)
{
	uint32_t cnt = 0;

	for (size_t i = 0; i < t->point_cnt; i++) {
		if (only_returning && t->points[i].role == PROBE_FREE)
			continue;
		ret->offsets[cnt] = t->points[i].file_off;
		ret->cookies[cnt++] = cookie_of(t, &t->points[i]);
	}
	ret->places = (struct link_places){ path, ret->offsets, ret->cookies, cnt };
}

static int attach_session(struct kernel_side *k, const struct target *t, const char *path)
{
	struct place_list all;

	list_places(t, path, false, &all);
	return add_link(k, link_uprobe_multi(bpf_program__fd(k->tls->progs.tls_session),
					     LINK_TYPE_UPROBE_SESSION, false, &all.places));
}

/* Returns first: an entry without its return would leave a state behind. */
static int attach_multi(struct kernel_side *k, const struct target *t, const char *path)
{
	struct place_list list;
	int r;

	list_places(t, path, true, &list);
	r = add_link(k, link_uprobe_multi(bpf_program__fd(k->tls->progs.tls_return),
					  LINK_TYPE_UPROBE_MULTI, true, &list.places));
	if (r < 0)
		return r;
	list_places(t, path, false, &list);
	return add_link(k, link_uprobe_multi(bpf_program__fd(k->tls->progs.tls_entry),
					     LINK_TYPE_UPROBE_MULTI, false, &list.places));
}

static struct bpf_program *plain_program(const struct tls_bpf *tls, const struct probe_point *p,
					 bool at_return)
{
	bool write = p->role == PROBE_WRITE;

	if (p->role == PROBE_FREE)
		return tls->progs.tls_free_entry;
	switch (p->len_from) {
	case PROBE_LEN_RESULT:
		if (write)
			return at_return ? tls->progs.tls_write_result_return
					 : tls->progs.tls_write_result_entry;
		return at_return ? tls->progs.tls_read_result_return
				 : tls->progs.tls_read_result_entry;
	case PROBE_LEN_AT_ARG3:
		if (write)
			return at_return ? tls->progs.tls_write_arg3_return
					 : tls->progs.tls_write_arg3_entry;
		return at_return ? tls->progs.tls_read_arg3_return : tls->progs.tls_read_arg3_entry;
	case PROBE_LEN_AT_ARG4:
		return at_return ? tls->progs.tls_write_arg4_return
				 : tls->progs.tls_write_arg4_entry;
	case PROBE_LEN_NONE:
		break;
	}
	return NULL;
}

static int attach_perf_one(struct kernel_side *k, const struct target *t, const char *path,
			   const struct probe_point *p, bool at_return)
{
	bool cookie = k->features.has[FEATURE_COOKIE];
	struct bpf_program *prog;

	if (cookie)
		prog = at_return ? k->tls->progs.tls_return : k->tls->progs.tls_entry;
	else
		prog = plain_program(k->tls, p, at_return);
	if (!prog)
		return -EINVAL;
	return add_link(k, link_perf_uprobe(bpf_program__fd(prog), path, p->file_off, at_return,
					    cookie, cookie_of(t, p)));
}

static int attach_perf(struct kernel_side *k, const struct target *t, const char *path)
{
	int r = 0;

	for (size_t i = 0; !r && i < t->point_cnt; i++)
		if (t->points[i].role != PROBE_FREE)
			r = attach_perf_one(k, t, path, &t->points[i], true);
	for (size_t i = 0; !r && i < t->point_cnt; i++)
		r = attach_perf_one(k, t, path, &t->points[i], false);
	return r;
}

int kernel_side_attach(struct kernel_side *k, const struct target *t, struct error *ret_error)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	switch (k->fashion) {
	case FASHION_SESSION:
		r = attach_session(k, t, path);
		break;
	case FASHION_MULTI:
		r = attach_multi(k, t, path);
		break;
	default:
		r = attach_perf(k, t, path);
		break;
	}
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot place probes in %s", t->path);
	log_say(LOG_INFO, "probing %s (%s, %zu places, %s links)", t->path,
		target_kind_name(t->kind), t->point_cnt, kernel_side_fashion(k));
	return 0;
}

/* In the order of attaching, last first: entries go before their returns. */
void kernel_side_detach(struct kernel_side *k)
{
	while (k->link_cnt)
		close(k->links[--k->link_cnt]);
	free(k->links);
	k->links = NULL;
	if (k->proc)
		proc_bpf__detach(k->proc);
}

void kernel_side_close(struct kernel_side *k)
{
	if (!k)
		return;
	kernel_side_detach(k);
	watchdog_stop(&k->watchdog);
	control_unmap(k->control);
	tls_bpf__destroy(k->tls);
	proc_bpf__destroy(k->proc);
	free(k);
}

int kernel_side_watch(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid, one = 1;

	return bpf_map_update_elem(bpf_map__fd(k->proc->maps.watched), &key, &one, BPF_ANY);
}

int kernel_side_unwatch(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	return bpf_map_delete_elem(bpf_map__fd(k->proc->maps.watched), &key);
}

unsigned kernel_side_watched_cnt(struct kernel_side *k, unsigned max)
{
	int fd = bpf_map__fd(k->proc->maps.watched);
	uint32_t key, next;
	unsigned cnt = 0;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	for (; !r && cnt < max; cnt++) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
	}
	return cnt;
}

void kernel_side_each_paused(struct kernel_side *k, kernel_side_paused_fn fn, void *user)
{
	int fd = bpf_map__fd(k->tls->maps.paused);
	struct pause_state state;
	uint32_t key, next;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	while (!r) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &state))
			fn(user, (pid_t)key, state.pending_cnt);
	}
}

bool kernel_side_any_paused(struct kernel_side *k)
{
	uint32_t pid;

	return !bpf_map_get_next_key(bpf_map__fd(k->tls->maps.paused), NULL, &pid);
}

void kernel_side_unpause(struct kernel_side *k, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	bpf_map_delete_elem(bpf_map__fd(k->tls->maps.paused), &key);
}

int kernel_side_ring_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.ring);
}

uint32_t kernel_side_ring_size(const struct kernel_side *k)
{
	return k->ring_size;
}

int kernel_side_conns_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->tls->maps.conns);
}

int kernel_side_unsent_ends_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->tls->maps.unsent_ends);
}

struct capture_control *kernel_side_control(struct kernel_side *k)
{
	return k->control;
}

int kernel_side_stats(const struct kernel_side *k, struct kernel_stats *ret)
{
	int cpu_cnt = libbpf_num_possible_cpus();
	struct kernel_stats *per_cpu;
	uint32_t zero = 0;
	int r;

	if (cpu_cnt < 0)
		return cpu_cnt;
	per_cpu = calloc((size_t)cpu_cnt, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	*ret = (struct kernel_stats){ 0 };
	r = bpf_map_lookup_elem(bpf_map__fd(k->proc->maps.stats), &zero, per_cpu);
	for (int i = 0; !r && i < cpu_cnt; i++) {
		const __u64 *from = (const __u64 *)&per_cpu[i];
		__u64 *to = (__u64 *)ret;

		for (size_t f = 0; f < sizeof(*ret) / sizeof(*to); f++)
			to[f] += from[f];
	}
	free(per_cpu);
	return r;
}

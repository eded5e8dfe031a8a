// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two objects share their maps: `proc` is loaded first and owns them, `tls` takes them over. Of
 * the programs in `tls` only those are loaded that the chosen fashion of links needs.
 */
#include "kernel_side.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attachment.h"
#include "attachment_set.h"
#include "base/log.h"
#include "control.h"
#include "home_check.h"
#include "kernel_types.h"
#include "layout_table.h"
#include "libbpf_log.h"
#include "links.h"
#include "model/target.h"
#include "parking.h"
#include "probe_links.h"
#include "proc.skel.h"
#include "receiving.h"
#include "side_by_side.h"
#include "socket_watch.h"
#include "tls.skel.h"
#include "waiting_probes.h"
#include "watchdog.h"

struct kernel_side {
	struct kernel_types types;
	struct proc_bpf *proc;
	struct tls_bpf *tls;
	/* Verifying `tls` takes a while, in which others find what to probe. */
	pthread_t loader;
	bool is_loading;
	int load_result; /* of the loader */
	uint32_t pause;	 /* enum pause_when */
	bool may_hold;	 /* threads may wait in probes */
	bool is_patient; /* … until there is room in the ring */
	struct capture_control *control;
	struct features features;
	struct prober prober;
	struct waiting_probes loaders, forks, execs;
	struct receiving receiving;
	uint32_t ring_size;
	const struct conn_rules *conn_rules; /* borrowed while opening */
	struct watchdog watchdog;
	struct parking parking;
	struct attachment_set attachments;
	pthread_mutex_t identifying;
};

const char *kernel_side_fashion(const struct kernel_side *k)
{
	static const char *const names[] = { "session", "multi", "perf" };

	return names[k->prober.fashion];
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

	bpf_map__set_max_entries(k->proc->maps.ring, k->ring_size);
	k->proc->rodata->ring_size = k->ring_size;
	receiving_init(&k->receiving, k->proc);
	socket_watch_prepare(k->proc);
	/* Sessions need none of it, and the kernel takes a millisecond for so large a table. */
	if (k->prober.fashion == FASHION_SESSION)
		bpf_map__set_max_entries(k->proc->maps.calls, 1);
	waiting_probes_init(&k->loaders, &k->features, k->proc->progs.proc_loaded, k->may_hold);
	waiting_probes_init(&k->forks, &k->features, k->proc->progs.proc_forking, k->may_hold);
	if (k->may_hold)
		waiting_probes_init(&k->execs, &k->features, k->proc->progs.proc_executing, true);
	else
		bpf_program__set_autoload(k->proc->progs.proc_executing, false);
	k->proc->rodata->may_hold = k->may_hold;
	r = proc_bpf__load(k->proc);
	if (r < 0)
		return error_set_errno(ret_error, r,
				       "the kernel refused the BPF programs for processes");
	r = proc_bpf__attach(k->proc);
	if (r < 0)
		return error_set_errno(ret_error, r,
				       "cannot attach to the kernel's process tracepoints");
	socket_watch_attach(k->proc);
	return 0;
}

static void choose_programs(struct kernel_side *k)
{
	struct bpf_program *prog;
	unsigned type = 0;

	if (k->prober.fashion == FASHION_SESSION)
		type = LINK_TYPE_UPROBE_SESSION;
	else if (k->prober.fashion == FASHION_MULTI)
		type = LINK_TYPE_UPROBE_MULTI;
	bpf_object__for_each_program(prog, k->tls->obj)
	{
		bpf_program__set_autoload(prog, probe_links_use(&k->prober, prog));
		bpf_program__set_expected_attach_type(prog, type);
		if (k->features.has[FEATURE_SLEEP])
			bpf_program__set_flags(prog, BPF_F_SLEEPABLE);
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

static void *load_tls(void *user)
{
	struct kernel_side *k = user;

	k->load_result = tls_bpf__load(k->tls);
	return NULL;
}

static int start_loading_tls(struct kernel_side *k, struct error *ret_error)
{
	int r;

	k->prober.tls = k->tls;
	k->tls->rodata->has_user_dynptr = k->features.has[FEATURE_USER_DYNPTR];
	k->tls->rodata->has_bpf_loop = k->features.has[FEATURE_LOOP];
	k->tls->rodata->ring_size = k->ring_size;
	k->tls->rodata->has_conn_rules = k->conn_rules != NULL;
	k->tls->rodata->may_hold = k->may_hold;
	k->tls->rodata->is_patient = k->is_patient;
	k->tls->rodata->may_sleep = k->features.has[FEATURE_SLEEP];
	choose_programs(k);
	r = share_maps(k);
	if (!r)
		r = -pthread_create(&k->loader, NULL, load_tls, k);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot load the BPF programs for TLS");
	k->is_loading = true;
	return 0;
}

static int end_loading(struct kernel_side *k)
{
	if (k->is_loading)
		pthread_join(k->loader, NULL);
	k->is_loading = false;
	return k->load_result;
}

int kernel_side_wait(struct kernel_side *k, struct error *ret_error)
{
	uint32_t zero = 0;
	int r = end_loading(k);

	if (!r && k->conn_rules)
		r = bpf_map_update_elem(bpf_map__fd(k->tls->maps.conn_rules), &zero, k->conn_rules,
					BPF_ANY);
	if (r < 0)
		return error_set_errno(
			ret_error, r,
			"the kernel refused the BPF programs for TLS (-vv says more)");
	if ((k->pause == PAUSE_NEVER && !k->may_hold) || k->watchdog.pid)
		return 0;
	r = watchdog_start(&k->watchdog, bpf_map__fd(k->tls->maps.paused), k->control);
	if (!r && k->may_hold)
		r = parking_start(&k->parking, bpf_map__fd(k->proc->maps.held));
	return r < 0 ? error_set_errno(ret_error, r, "cannot start the watchdog processes") : 0;
}

static int open_control(struct kernel_side *k, const struct kernel_side_options *opt,
			struct error *ret_error)
{
	k->control = control_map(bpf_map__fd(k->proc->maps.control));
	if (!k->control)
		return error_set_errno(ret_error, -errno, "cannot map the shared control page");
	k->control->watch_all = opt->watch_all;
	k->control->pause = k->pause;
	k->control->no_children = opt->no_children;
	k->control->self_pid = (uint32_t)getpid();
	k->control->hold = k->may_hold ? HOLD_ON : HOLD_OFF;
	k->control->beat = 1;
	receiving_open(&k->receiving, k->control, k->may_hold);
	return 0;
}

/* Opens both objects, reads the kernel's types for them, and finds out what it can do. */
static int prepare(struct kernel_side *k, unsigned forbidden, struct error *ret_error)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = k->types.path);
	const struct btf *users[2];
	struct kfuncs functions;
	int r = kernel_types_open(&k->types);

	if (!r)
		r = kfuncs_register();
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot start");
	k->proc = proc_bpf__open_opts(&opts);
	k->tls = tls_bpf__open_opts(&opts);
	if (!k->proc || !k->tls)
		return error_set_errno(ret_error, -errno, "cannot open the BPF objects");
	users[0] = bpf_object__btf(k->proc->obj);
	users[1] = bpf_object__btf(k->tls->obj);
	r = features_check_types(ret_error);
	if (r < 0)
		return r;
	r = kernel_types_fill(&k->types, users, 2, &functions);
	if (r < 0)
		return error_set_errno(ret_error, r, "cannot read the kernel's types");
	return features_probe(forbidden, &functions, &k->features, ret_error);
}

/* Where threads can be held in all probes of calls no process is ever stopped. */
static void choose_pausing(struct kernel_side *k, const struct kernel_side_options *opt)
{
	bool holds_calls;

	k->may_hold = opt->hold && k->features.has[FEATURE_SLEEP] && k->features.has[FEATURE_LOOP];
	holds_calls = k->may_hold && k->prober.has_cookie;
	k->is_patient = holds_calls && opt->pause == PAUSE_WHEN_FILLING;
	k->pause = holds_calls ? PAUSE_NEVER : opt->pause;
}

int kernel_side_open(const struct kernel_side_options *opt, struct kernel_side **ret,
		     struct error *ret_error)
{
	struct kernel_side *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return error_set_errno(ret_error, -ENOMEM, "cannot start");
	libbpf_log_use();
	k->ring_size = opt->ring_size;
	k->conn_rules = opt->conn_rules;
	k->types.fd = -1;
	pthread_mutex_init(&k->identifying, NULL);
	r = prepare(k, opt->forbidden, ret_error);
	if (r < 0)
		goto out;
	k->prober.fashion = choose_fashion(&k->features);
	k->prober.has_cookie = k->features.has[FEATURE_COOKIE];
	choose_pausing(k, opt);
	k->prober.sees_bios = k->may_hold;
	k->proc->rodata->may_ask_traits = opt->asks_traits;
	k->tls->rodata->may_ask_traits = opt->asks_traits;
	r = load_proc(k, ret_error);
	if (r < 0)
		goto out;
	r = open_control(k, opt, ret_error);
	if (r < 0)
		goto out;
	r = start_loading_tls(k, ret_error);
out:
	if (r < 0) {
		kernel_side_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

/* So that others wait when they load it. False: that cannot be. */
static bool note_near(struct kernel_side *k, const struct target *t)
{
	uint32_t one = 1;
	struct file_id id;

	return !kernel_side_identify_file(k, t->fd, &id) &&
	       !bpf_map_update_elem(bpf_map__fd(k->proc->maps.near_files), &id, &one, BPF_ANY);
}

static void forget_near(struct kernel_side *k, const struct target *t)
{
	struct file_id id;

	if (!kernel_side_identify_file(k, t->fd, &id))
		bpf_map_delete_elem(bpf_map__fd(k->proc->maps.near_files), &id);
}

static int attach(struct kernel_side *k, const struct target *t, bool is_near,
		  struct error *ret_error)
{
	/* First, so that the very first call finds it. */
	int r = layout_table_put(bpf_map__fd(k->tls->maps.layouts), t, k->prober.has_cookie,
				 !k->attachments.cnt);

	if (r < 0)
		log_say(LOG_INFO, "%s: its connections will have no addresses (%s)", t->path,
			strerror(-r));
	r = attachment_set_add(&k->attachments, &k->prober, t, is_near, ret_error);
	if (r < 0)
		return r;
	log_say(LOG_INFO, "probing %s (%s, %zu places, %s links%s)", t->path,
		target_kind_name(t->kind), t->point_cnt, kernel_side_fashion(k),
		is_near ? ", in the named process until another one needs it" : "");
	return 0;
}

int kernel_side_attach(struct kernel_side *k, const struct target *t, bool is_for_all,
		       struct error *ret_error)
{
	bool is_near = k->prober.home && !is_for_all && note_near(k, t);
	int r = attach(k, t, is_near, ret_error);

	if (r < 0 && is_near)
		forget_near(k, t);
	/* The process has ended, and its children go on. */
	return r == -ESRCH && is_near ? attach(k, t, false, ret_error) : r;
}

int kernel_side_widen(struct kernel_side *k, const struct target *t)
{
	struct attachment *a = attachment_set_find(&k->attachments, t);
	int r = a ? attachment_widen(a) : 0;

	if (!r)
		forget_near(k, t);
	return r;
}

bool kernel_side_is_near(const struct kernel_side *k, const struct target *t)
{
	const struct attachment *a = attachment_set_find(&k->attachments, t);

	return a && attachment_is_near(a);
}

bool kernel_side_has_attached(const struct kernel_side *k, const struct target *t)
{
	return attachment_set_find(&k->attachments, t) != NULL;
}

void kernel_side_restrict(struct kernel_side *k, pid_t pid)
{
	k->prober.only_pid = pid;
}

bool kernel_side_can_have_home(const struct kernel_side *k)
{
	if (!k->may_hold || !k->forks.program)
		return false;
	return k->prober.fashion == FASHION_SESSION ||
	       (k->prober.fashion == FASHION_MULTI && home_check_links());
}

void kernel_side_set_home(struct kernel_side *k, pid_t pid)
{
	k->prober.home = pid;
	k->control->home_plants = 1;
	k->control->home_loads = k->control->home_checked + 1;
	__atomic_store_n(&k->control->home, (uint32_t)pid, __ATOMIC_SEQ_CST);
}

void kernel_side_leave_home(struct kernel_side *k)
{
	k->prober.home = 0;
}

int kernel_side_probe_forks(struct kernel_side *k, int fd, const struct fork_call *calls,
			    size_t cnt)
{
	return waiting_probes_add_forks(&k->forks, fd, calls, cnt, k->prober.home);
}

int kernel_side_probe_execs(struct kernel_side *k, int fd, const struct exec_call *calls,
			    size_t cnt)
{
	return waiting_probes_add_execs(&k->execs, fd, calls, cnt, k->prober.only_pid);
}

void kernel_side_expect_exec(struct kernel_side *k, pid_t pid)
{
	__atomic_store_n(&k->control->unasked_exec, (uint32_t)pid, __ATOMIC_SEQ_CST);
}

/* Id 0 comes from kernels whose links carry no cookie: then any of them may be meant. */
void kernel_side_used_by(struct kernel_side *k, uint32_t target, pid_t pid)
{
	attachment_set_used_by(&k->attachments, target, pid);
}

void kernel_side_check(struct kernel_side *k, uint64_t now_ns)
{
	attachment_set_check(&k->attachments, now_ns);
}

int kernel_side_probe_loader(struct kernel_side *k, int fd, const struct loader_hook *hook)
{
	return waiting_probes_add_loader(&k->loaders, fd, hook, k->prober.only_pid);
}

bool kernel_side_sees_loading(const struct kernel_side *k)
{
	return k->loaders.program != NULL;
}

bool kernel_side_holds(const struct kernel_side *k)
{
	return k->may_hold;
}

struct receiving *kernel_side_receiving(struct kernel_side *k)
{
	return &k->receiving;
}

void kernel_side_release_held(struct kernel_side *k)
{
	k->control->hold = k->is_patient ? HOLD_CALLS : HOLD_OFF;
}

/* The loaders' probes come last of all. */
static void take_off(void *user, size_t i)
{
	struct kernel_side *k = user;

	struct waiting_probes *waiting[] = { &k->forks, &k->execs, &k->loaders };

	if (i < k->attachments.cnt)
		attachment_detach(k->attachments.items[i]);
	else
		waiting_probes_done(waiting[i - k->attachments.cnt]);
}

static void take_all_off(void *user)
{
	struct kernel_side *k = user;

	attachment_set_end_checks(&k->attachments);
	side_by_side(k->attachments.cnt + 3, take_off, k);
	attachment_set_done(&k->attachments);
	receiving_close(&k->receiving);
	if (k->proc)
		proc_bpf__detach(k->proc);
}

/* No probe can be taken off while a thread is in it, and waits there for `make_room`. */
void kernel_side_detach(struct kernel_side *k, void (*make_room)(void *user), void *user)
{
	if (k->control)
		kernel_side_release_held(k);
	if (k->is_patient && make_room && side_by_side_with(take_all_off, k, make_room, user))
		return;
	if (k->control)
		k->control->hold = HOLD_OFF;
	take_all_off(k);
}

void kernel_side_beat(struct kernel_side *k)
{
	if (k->is_patient)
		__atomic_add_fetch(&k->control->beat, 1, __ATOMIC_RELAXED);
}

void kernel_side_close(struct kernel_side *k)
{
	if (!k)
		return;
	end_loading(k);
	kernel_side_detach(k, NULL, NULL);
	parking_stop(&k->parking);
	watchdog_stop(&k->watchdog);
	control_unmap(k->control);
	tls_bpf__destroy(k->tls);
	proc_bpf__destroy(k->proc);
	kernel_types_close(&k->types);
	free(k);
}

int kernel_side_identify_file(struct kernel_side *k, int fd, struct file_id *ret)
{
	uint64_t args[3] = { (uint64_t)fd };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int r;

	/* Its answer lies in memory that is shared with it. */
	pthread_mutex_lock(&k->identifying);
	r = bpf_prog_test_run_opts(bpf_program__fd(k->proc->progs.proc_identify_file), &opts);
	*ret = (struct file_id){ k->proc->bss->own_file_ino, k->proc->bss->own_file_dev,
				 k->proc->bss->own_file_generation };
	pthread_mutex_unlock(&k->identifying);
	if (r < 0)
		return r;
	return opts.retval ? 0 : -EBADF;
}

bool kernel_side_asks_traits(const struct kernel_side *k)
{
	return k->proc->rodata->may_ask_traits;
}

int kernel_side_watched_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.watched);
}

int kernel_side_filters_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.filters);
}

/* Without probes nobody can have been stopped, and the object is the loading thread's. */
int kernel_side_paused_fd(const struct kernel_side *k)
{
	return k->is_loading ? -1 : bpf_map__fd(k->tls->maps.paused);
}

int kernel_side_held_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.held);
}

int kernel_side_ring_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.ring);
}

int kernel_side_exec_ring_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.exec_ring);
}

struct parking *kernel_side_parking(struct kernel_side *k)
{
	return &k->parking;
}

uint32_t kernel_side_ring_size(const struct kernel_side *k)
{
	return k->ring_size;
}

int kernel_side_conns_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->tls->maps.conns);
}

int kernel_side_fates_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.fates);
}

int kernel_side_unsent_ends_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->tls->maps.unsent_ends);
}

struct capture_control *kernel_side_control(struct kernel_side *k)
{
	return k->control;
}

int kernel_side_stats_fd(const struct kernel_side *k)
{
	return bpf_map__fd(k->proc->maps.stats);
}

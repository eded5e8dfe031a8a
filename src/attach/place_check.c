// SPDX-License-Identifier: BSD-2-Clause
#include "place_check.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "records.h"
#include "tls.skel.h"

void place_check_init(struct place_check *c, const struct prober *p, const struct target *t,
		      int dir)
{
	*c = (struct place_check){ .prober = p, .target = t, .dir = dir };
}

static int counts_map(const struct place_check *c)
{
	return bpf_map__fd(c->prober->tls->maps.witnesses);
}

/* Without cookies the kernel side does not know the target: then it has one, and counts for 0. */
static uint64_t counts_key(const struct place_check *c)
{
	return WITNESS_KEY(c->prober->has_cookie ? c->target->id : 0, c->dir);
}

static enum probe_role role_of(const struct place_check *c)
{
	return c->dir == REC_SENT ? PROBE_WRITE : PROBE_READ;
}

/* The probes that capture are there already: whatever a witness sees, they must have seen. */
static int place_witnesses(struct place_check *c)
{
	const struct witness_counts zero = { 0 };
	const struct target *t = c->target;
	struct probe_point points[TARGET_POINT_MAX];
	uint64_t key = counts_key(c);
	size_t cnt = 0;
	int r;

	for (size_t i = 0; i < t->fallback_cnt; i++)
		if (t->fallback[i].role == role_of(c))
			points[cnt++] = t->fallback[i];
	if (!cnt)
		return 0;
	r = bpf_map_update_elem(counts_map(c), &key, &zero, BPF_ANY);
	if (r)
		return r;
	r = probe_links_attach(c->prober, FAMILY_WITNESS, t, points, cnt, c->pid, &c->witnesses);
	/* It has ended meanwhile: the next one that uses the library will do. */
	return r == -ESRCH ? 0 : r;
}

int place_check_begin(struct place_check *c, pid_t pid)
{
	c->pid = pid;
	return place_witnesses(c);
}

static void worker_end(struct place_check *c, int r)
{
	c->worker_result = r;
	__atomic_store_n(&c->worker_has_ended, true, __ATOMIC_RELEASE);
}

static void *replace_witnesses(void *user)
{
	struct place_check *c = user;

	probe_links_close(&c->witnesses);
	worker_end(c, place_witnesses(c));
	return NULL;
}

static void *close_witnesses(void *user)
{
	struct place_check *c = user;

	probe_links_close(&c->witnesses);
	worker_end(c, 0);
	return NULL;
}

/* Without a thread the work is done at once: late is better than never. */
static void set_to_work(struct place_check *c, void *(*work)(void *))
{
	c->worker_has_ended = false;
	c->has_worker = pthread_create(&c->worker, NULL, work, c) == 0;
	if (!c->has_worker)
		work(c);
}

static void reap_worker(struct place_check *c)
{
	if (c->has_worker)
		pthread_join(c->worker, NULL);
	c->has_worker = false;
}

static bool is_at_work(const struct place_check *c)
{
	return c->has_worker && !__atomic_load_n(&c->worker_has_ended, __ATOMIC_ACQUIRE);
}

static struct witness_counts read_counts(const struct place_check *c)
{
	struct witness_counts counts = { 0 };
	uint64_t key = counts_key(c);

	if (bpf_map_lookup_elem(counts_map(c), &key, &counts) < 0)
		counts = (struct witness_counts){ 0 };
	return counts;
}

void place_check_follow(struct place_check *c, pid_t pid)
{
	if (c->over || c->pid == pid || is_at_work(c) || read_counts(c).calls)
		return;
	reap_worker(c);
	c->pid = pid;
	set_to_work(c, replace_witnesses);
}

int place_check_look(struct place_check *c, struct witness_counts *ret)
{
	*ret = read_counts(c);
	if (is_at_work(c))
		return 0;
	reap_worker(c);
	if (c->over && c->witnesses.cnt)
		set_to_work(c, close_witnesses);
	return c->over ? 0 : c->worker_result;
}

bool place_check_is_idle(const struct place_check *c)
{
	return !c->has_worker && !c->witnesses.cnt;
}

void place_check_end(struct place_check *c)
{
	struct witness_counts ignored;

	c->over = true;
	place_check_look(c, &ignored);
}

void place_check_join(struct place_check *c)
{
	reap_worker(c);
	/* What was still being placed when the end came. */
	probe_links_close(&c->witnesses);
}

void place_check_forget_counts(const struct place_check *c)
{
	uint64_t key = counts_key(c);

	bpf_map_delete_elem(counts_map(c), &key);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "attachment.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "model/target.h"
#include "probe_links.h"
#include "records.h"
#include "tls.skel.h"
#include "witness.h"

/* The check of one direction; its probes go as soon as it has seen enough. */
struct check {
	bool going_on;
	struct link_set witnesses;
	pthread_t closer; /* closes the links, which takes the kernel a while */
	bool has_closer;
};

/*
 * The witnesses of a check cost every process that uses the library. In one that perhaps nobody
 * watched ever uses they stay no longer than this without a call.
 */
#define SPECULATIVE_CHECK_NS UINT64_C(10000000000)

struct attachment {
	const struct prober *prober; /* borrowed */
	const struct target *target; /* borrowed */
	struct link_set probes;
	struct check checks[REC_DIR_CNT];
	uint64_t first_look_ns; /* 0: not yet */
};

static int witness_map(const struct attachment *a)
{
	return bpf_map__fd(a->prober->tls->maps.witnesses);
}

/* Without cookies the kernel side does not know the target: then it has one, and counts for 0. */
static uint64_t witness_key(const struct attachment *a, int dir)
{
	return WITNESS_KEY(a->prober->has_cookie ? a->target->id : 0, dir);
}

static enum probe_role role_of(int dir)
{
	return dir == REC_SENT ? PROBE_WRITE : PROBE_READ;
}

/* The probes that capture are there already: whatever a witness sees, they must have seen. */
static int begin_check(struct attachment *a, int dir)
{
	const struct witness_counts zero = { 0 };
	const struct target *t = a->target;
	struct probe_point points[TARGET_POINT_MAX];
	uint64_t key = witness_key(a, dir);
	size_t cnt = 0;
	int r;

	for (size_t i = 0; i < t->fallback_cnt; i++)
		if (t->fallback[i].role == role_of(dir))
			points[cnt++] = t->fallback[i];
	if (!cnt)
		return 0;
	r = bpf_map_update_elem(witness_map(a), &key, &zero, BPF_ANY);
	if (!r)
		r = probe_links_attach(a->prober, FAMILY_WITNESS, t, points, cnt,
				       &a->checks[dir].witnesses);
	a->checks[dir].going_on = !r;
	return r;
}

static void *close_witnesses(void *user)
{
	struct check *c = user;

	probe_links_close(&c->witnesses);
	return NULL;
}

/* The kernel waits for all processors before a link is gone; the consumer cannot. */
static void end_check(struct check *c)
{
	if (!c->going_on)
		return;
	c->going_on = false;
	c->has_closer = pthread_create(&c->closer, NULL, close_witnesses, c) == 0;
	if (!c->has_closer)
		probe_links_close(&c->witnesses);
}

static void end_checks(struct attachment *a)
{
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		end_check(&a->checks[dir]);
}

static void join_closers(struct attachment *a)
{
	for (int dir = 0; dir < REC_DIR_CNT; dir++) {
		if (a->checks[dir].has_closer)
			pthread_join(a->checks[dir].closer, NULL);
		a->checks[dir].has_closer = false;
	}
}

/* The points without the workers, and what stands in for these. */
static int attach_fallback(struct attachment *a)
{
	struct probe_point points[TARGET_POINT_MAX];
	const struct target *t = a->target;
	size_t cnt = 0;

	for (size_t i = 0; i < t->point_cnt; i++)
		if (!t->points[i].is_worker)
			points[cnt++] = t->points[i];
	for (size_t i = 0; i < t->fallback_cnt && cnt < TARGET_POINT_MAX; i++)
		points[cnt++] = t->fallback[i];
	return probe_links_attach(a->prober, FAMILY_CAPTURE, t, points, cnt, &a->probes);
}

static int attach_points(struct attachment *a)
{
	const struct target *t = a->target;
	int r = probe_links_attach(a->prober, FAMILY_CAPTURE, t, t->points, t->point_cnt,
				   &a->probes);

	if (!t->fallback_cnt)
		return r;
	if (r < 0) {
		log_say(LOG_INFO, "%s: the kernel refuses the cheapest places (%s); taking others",
			t->path, strerror(-r));
		return attach_fallback(a);
	}
	for (int dir = 0; !r && dir < REC_DIR_CNT; dir++)
		r = begin_check(a, dir);
	if (!r)
		return 0;
	log_say(LOG_INFO, "%s: the cheapest places cannot be checked (%s); taking others", t->path,
		strerror(-r));
	end_checks(a);
	probe_links_close(&a->probes);
	return attach_fallback(a);
}

int attachment_new(const struct prober *p, const struct target *t, struct attachment **ret,
		   struct error *ret_error)
{
	struct attachment *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return error_set_errno(ret_error, -ENOMEM, "cannot place probes in %s", t->path);
	a->prober = p;
	a->target = t;
	r = attach_points(a);
	if (r < 0) {
		attachment_free(a);
		return error_set_errno(ret_error, r, "cannot place probes in %s", t->path);
	}
	*ret = a;
	return 0;
}

static void read_counts(const struct attachment *a, struct witness_counts ret[REC_DIR_CNT])
{
	for (int dir = 0; dir < REC_DIR_CNT; dir++) {
		uint64_t key = witness_key(a, dir);

		if (bpf_map_lookup_elem(witness_map(a), &key, &ret[dir]) < 0)
			ret[dir] = (struct witness_counts){ 0 };
	}
}

static bool say_if_wrong(const struct attachment *a, const struct witness_counts c[REC_DIR_CNT],
			 const char *what_now)
{
	unsigned long long wrong = c[REC_SENT].wrong + c[REC_RECEIVED].wrong;

	if (!wrong)
		return false;
	log_say(LOG_WARNING,
		"%s: %llu of its first %llu calls were captured wrongly (%llu bytes sent and %llu "
		"received are missing): the place inside of it that "
		"was found cheapest is not right%s; please report this, with the output of: "
		"plaintap ls --probes %s",
		a->target->path, wrong, c[REC_SENT].calls + c[REC_RECEIVED].calls,
		c[REC_SENT].bytes_missed, c[REC_RECEIVED].bytes_missed, what_now, a->target->path);
	return true;
}

static void fall_back(struct attachment *a)
{
	int r;

	/* First off, then on: both at once would show bytes twice. */
	end_checks(a);
	probe_links_close(&a->probes);
	r = attach_fallback(a);
	if (r < 0)
		log_say(LOG_WARNING, "cannot place probes in %s: %s", a->target->path,
			strerror(-r));
}

bool attachment_is_checked(const struct attachment *a)
{
	return a->checks[REC_SENT].going_on || a->checks[REC_RECEIVED].going_on;
}

static bool is_in_vain(struct attachment *a, const struct witness_counts c[REC_DIR_CNT],
		       uint64_t now_ns)
{
	if (!a->first_look_ns)
		a->first_look_ns = now_ns;
	return a->target->speculative && !c[REC_SENT].calls && !c[REC_RECEIVED].calls &&
	       now_ns - a->first_look_ns > SPECULATIVE_CHECK_NS;
}

void attachment_check(struct attachment *a, uint64_t now_ns)
{
	struct witness_counts counts[REC_DIR_CNT];

	if (!attachment_is_checked(a))
		return;
	read_counts(a, counts);
	if (is_in_vain(a, counts, now_ns)) {
		log_say(LOG_DEBUG,
			"%s: not used by a watched program so far; its places stay unchecked",
			a->target->path);
		end_checks(a);
		return;
	}
	if (say_if_wrong(a, counts, "; from now on its exported functions are probed")) {
		fall_back(a);
		return;
	}
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		if (a->checks[dir].going_on && counts[dir].calls >= WITNESS_CALLS) {
			log_say(LOG_DEBUG, "%s: its first %llu %s calls were captured right",
				a->target->path, counts[dir].calls, probe_role_name(role_of(dir)));
			end_check(&a->checks[dir]);
		}
}

/* From now on no call is judged, whatever its probes still see. */
static void forget_counts(const struct attachment *a)
{
	for (int dir = 0; dir < REC_DIR_CNT; dir++) {
		uint64_t key = witness_key(a, dir);

		bpf_map_delete_elem(witness_map(a), &key);
	}
}

/*
 * Calls go on meanwhile: one that only a witness sees would look wrong, so the judging ends before
 * any link is closed. The kernel waits for each link: side by side is twice as fast.
 */
void attachment_detach(struct attachment *a)
{
	struct witness_counts counts[REC_DIR_CNT];

	if (attachment_is_checked(a)) {
		read_counts(a, counts);
		say_if_wrong(a, counts, "");
	}
	forget_counts(a);
	end_checks(a);
	probe_links_close(&a->probes);
	join_closers(a);
}

void attachment_free(struct attachment *a)
{
	if (!a)
		return;
	attachment_detach(a);
	free(a);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "attachment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "model/target.h"
#include "place_check.h"
#include "probe_links.h"
#include "records.h"
#include "side_by_side.h"

/* Descriptors of links to the same points, by where they are. */
struct links_by_place {
	struct link_set first;	 /* home's, if there is one, or else those of all */
	struct link_set outside; /* of the others */
};

struct attachment {
	const struct prober *prober; /* borrowed */
	const struct target *target; /* borrowed */
	struct links_by_place probes;
	struct links_by_place successors; /* on the exported functions, if a worker was wrong */
	bool has_fallback;		  /* the kernel has refused the workers */
	pid_t home;			  /* has probes of its own; 0: they are alike everywhere */
	bool is_near;			  /* no other process has any */
	bool is_checked;		  /* the places are workers, and the check is not over */
	struct place_check checks[REC_DIR_CNT];
};

static void end_checks(struct attachment *a)
{
	a->is_checked = false;
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		place_check_end(&a->checks[dir]);
}

/* Outside of home only if they are wanted there by now. */
static int place(const struct attachment *a, enum probe_family family,
		 const struct probe_point *points, size_t cnt, struct links_by_place *ret)
{
	pid_t where = a->home ? a->home : a->prober->only_pid;
	int r = probe_links_attach(a->prober, family, a->target, points, cnt, where, &ret->first);

	/* What is in home only, as it goes on elsewhere. */
	if (r < 0 && !(r == -ESRCH && a->home && !a->is_near))
		return r;
	if (!a->home || a->is_near)
		return 0;
	return probe_links_attach(a->prober, family, a->target, points, cnt, PROBE_OUTSIDE_HOME,
				  &ret->outside);
}

struct point_list {
	struct probe_point items[TARGET_POINT_MAX];
	size_t cnt;
};

/* The points without the workers, and what stands in for these. */
static void list_fallback(const struct target *t, struct point_list *ret)
{
	ret->cnt = 0;
	for (size_t i = 0; i < t->point_cnt; i++)
		if (!t->points[i].is_worker)
			ret->items[ret->cnt++] = t->points[i];
	for (size_t i = 0; i < t->fallback_cnt && ret->cnt < TARGET_POINT_MAX; i++)
		ret->items[ret->cnt++] = t->fallback[i];
}

static int attach_fallback(struct attachment *a)
{
	struct point_list list;

	a->has_fallback = true;
	list_fallback(a->target, &list);
	return place(a, FAMILY_CAPTURE, list.items, list.cnt, &a->probes);
}

/*
 * The workers' probes stay: a read may be under way in one of them, for hours if nobody sends, and
 * was not seen to begin by those that take over. What these see the others leave alone. So do the
 * witnesses, which count what the workers' probes miss.
 */
static int take_over(struct attachment *a)
{
	const struct target *t = a->target;
	int r = place(a, FAMILY_TAKE_OVER, t->fallback, t->fallback_cnt, &a->successors);

	a->is_checked = false;
	/* The only process there was has ended. */
	return r == -ESRCH ? 0 : r;
}

static int cannot_check(struct attachment *a, int r)
{
	log_say(LOG_INFO, "%s: the cheapest places cannot be checked (%s); taking others",
		a->target->path, strerror(-r));
	r = take_over(a);
	end_checks(a);
	return r;
}

static int attach_points(struct attachment *a)
{
	const struct target *t = a->target;
	int r = place(a, FAMILY_CAPTURE, t->points, t->point_cnt, &a->probes);

	if (!t->fallback_cnt || (r == -ESRCH && a->is_near))
		return r;
	if (r < 0) {
		log_say(LOG_INFO, "%s: the kernel refuses the cheapest places (%s); taking others",
			t->path, strerror(-r));
		return attach_fallback(a);
	}
	a->is_checked = true;
	for (int dir = 0; !r && t->user && dir < REC_DIR_CNT; dir++)
		r = place_check_begin(&a->checks[dir], t->user);
	return r < 0 ? cannot_check(a, r) : 0;
}

int attachment_new(const struct prober *p, const struct target *t, bool is_near,
		   struct attachment **ret, struct error *ret_error)
{
	struct attachment *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return error_set_errno(ret_error, -ENOMEM, "cannot place probes in %s", t->path);
	a->prober = p;
	a->target = t;
	a->is_near = is_near;
	a->home = is_near ? p->home : 0;
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		place_check_init(&a->checks[dir], p, t, dir);
	r = attach_points(a);
	if (r < 0) {
		attachment_free(a);
		return error_set_errno(ret_error, r, "cannot place probes in %s", t->path);
	}
	*ret = a;
	return 0;
}

bool attachment_is_near(const struct attachment *a)
{
	return a->is_near;
}

/* The order in which calls are seen to begin is the one at home: first, and then the successors. */
int attachment_widen(struct attachment *a)
{
	const struct target *t = a->target;
	struct point_list list = { .cnt = 0 };
	int r;

	if (!a->is_near)
		return 0;
	if (a->has_fallback)
		list_fallback(t, &list);
	r = probe_links_attach(a->prober, FAMILY_CAPTURE, t, list.cnt ? list.items : t->points,
			       list.cnt ? list.cnt : t->point_cnt, PROBE_OUTSIDE_HOME,
			       &a->probes.outside);
	if (!r && a->successors.first.cnt)
		r = probe_links_attach(a->prober, FAMILY_TAKE_OVER, t, t->fallback, t->fallback_cnt,
				       PROBE_OUTSIDE_HOME, &a->successors.outside);
	if (!r)
		a->is_near = false;
	return r;
}

static bool say_if_wrong(const struct attachment *a, const struct witness_counts c[REC_DIR_CNT],
			 const char *what_now)
{
	unsigned long long wrong = c[REC_SENT].wrong + c[REC_RECEIVED].wrong;

	if (!wrong)
		return false;
	log_say(LOG_WARNING,
		"%s: %llu of the %llu calls that were looked at were captured wrongly (%llu bytes "
		"sent and %llu received are missing), and perhaps others before: the place inside "
		"of it that was found cheapest is not right%s; please report this, with the output "
		"of: plaintap ls --probes %s",
		a->target->path, wrong, c[REC_SENT].calls + c[REC_RECEIVED].calls,
		c[REC_SENT].bytes_missed, c[REC_RECEIVED].bytes_missed, what_now, a->target->path);
	return true;
}

const struct target *attachment_target(const struct attachment *a)
{
	return a->target;
}

void attachment_used_by(struct attachment *a, pid_t pid)
{
	for (int dir = 0; a->is_checked && dir < REC_DIR_CNT; dir++)
		place_check_follow(&a->checks[dir], pid);
}

bool attachment_is_checked(const struct attachment *a)
{
	return a->is_checked;
}

static void say_if_lost(const struct attachment *a, int r)
{
	if (r < 0)
		log_say(LOG_WARNING, "cannot place probes in %s: %s", a->target->path,
			strerror(-r));
}

/* 0, or why the witnesses could not be placed. */
static int look_at_checks(struct attachment *a, struct witness_counts ret[REC_DIR_CNT])
{
	int result = 0;

	for (int dir = 0; dir < REC_DIR_CNT; dir++) {
		int r = place_check_look(&a->checks[dir], &ret[dir]);

		result = r < 0 ? r : result;
	}
	return result;
}

/* Nothing is checked, and the probes of what was are gone, or are to stay. */
static bool is_settled(const struct attachment *a)
{
	return !a->is_checked && (a->successors.first.cnt || a->successors.outside.cnt ||
				  (place_check_is_idle(&a->checks[REC_SENT]) &&
				   place_check_is_idle(&a->checks[REC_RECEIVED])));
}

void attachment_check(struct attachment *a)
{
	struct witness_counts counts[REC_DIR_CNT];
	int r;

	if (is_settled(a))
		return;
	r = look_at_checks(a, counts);
	if (!a->is_checked)
		return;
	if (r < 0) {
		say_if_lost(a, cannot_check(a, r));
		return;
	}
	if (say_if_wrong(a, counts, "; from now on its exported functions are probed")) {
		say_if_lost(a, take_over(a));
		return;
	}
	a->is_checked = false;
	for (int dir = 0; dir < REC_DIR_CNT; dir++) {
		struct place_check *c = &a->checks[dir];

		if (!c->over && counts[dir].calls >= WITNESS_CALLS) {
			log_say(LOG_DEBUG,
				"%s: the first %llu calls that were looked at were captured right",
				a->target->path, counts[dir].calls);
			place_check_end(c);
		}
		a->is_checked |= !c->over;
	}
}

/*
 * Calls go on meanwhile: one that only a witness sees would look wrong, so the judging ends before
 * any link is closed.
 */
void attachment_end_check(struct attachment *a)
{
	struct witness_counts counts[REC_DIR_CNT];

	if (a->is_checked) {
		look_at_checks(a, counts);
		say_if_wrong(a, counts, "");
	}
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		place_check_forget_counts(&a->checks[dir]);
	end_checks(a);
}

struct link_sets {
	struct link_set *items[4];
	size_t cnt;
};

static void note_links(struct link_sets *sets, struct links_by_place *l)
{
	if (l->first.cnt)
		sets->items[sets->cnt++] = &l->first;
	if (l->outside.cnt)
		sets->items[sets->cnt++] = &l->outside;
}

static void close_set(void *user, size_t i)
{
	struct link_sets *sets = user;

	probe_links_close(sets->items[i]);
}

/* The kernel takes some ten milliseconds for each, in which it does nothing. */
static void close_all(struct attachment *a)
{
	struct link_sets sets = { .cnt = 0 };

	note_links(&sets, &a->probes);
	note_links(&sets, &a->successors);
	side_by_side(sets.cnt, close_set, &sets);
}

void attachment_detach(struct attachment *a)
{
	close_all(a);
	for (int dir = 0; dir < REC_DIR_CNT; dir++)
		place_check_join(&a->checks[dir]);
}

void attachment_free(struct attachment *a)
{
	if (!a)
		return;
	attachment_end_check(a);
	attachment_detach(a);
	free(a);
}

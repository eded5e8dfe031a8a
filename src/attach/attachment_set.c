// SPDX-License-Identifier: BSD-2-Clause
#include "attachment_set.h"

#include <errno.h>
#include <stdlib.h>

#include "attachment.h"
#include "model/target.h"

enum { CHECK_INTERVAL_NS = 5000000 };

int attachment_set_add(struct attachment_set *s, const struct prober *p, const struct target *t,
		       bool is_near, struct error *ret_error)
{
	struct attachment **items = realloc(s->items, (s->cnt + 1) * sizeof(struct attachment *));
	int r;

	if (!items)
		return error_set_errno(ret_error, -ENOMEM, "cannot place probes in %s", t->path);
	s->items = items;
	r = attachment_new(p, t, is_near, &items[s->cnt], ret_error);
	if (r < 0)
		return r;
	s->cnt++;
	return 0;
}

struct attachment *attachment_set_find(const struct attachment_set *s, const struct target *t)
{
	for (size_t i = 0; i < s->cnt; i++)
		if (attachment_target(s->items[i]) == t)
			return s->items[i];
	return NULL;
}

void attachment_set_used_by(struct attachment_set *s, uint32_t target, pid_t pid)
{
	for (size_t i = 0; i < s->cnt; i++)
		if (!target || attachment_target(s->items[i])->id == target)
			attachment_used_by(s->items[i], pid);
}

void attachment_set_check(struct attachment_set *s, uint64_t now_ns)
{
	if (now_ns < s->next_check_ns)
		return;
	s->next_check_ns = now_ns + CHECK_INTERVAL_NS;
	for (size_t i = 0; i < s->cnt; i++)
		attachment_check(s->items[i]);
}

void attachment_set_end_checks(struct attachment_set *s)
{
	for (size_t i = 0; i < s->cnt; i++)
		attachment_end_check(s->items[i]);
}

void attachment_set_done(struct attachment_set *s)
{
	while (s->cnt)
		attachment_free(s->items[--s->cnt]);
	free(s->items);
	s->items = NULL;
}

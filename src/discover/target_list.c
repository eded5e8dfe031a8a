/* SPDX-License-Identifier: BSD-2-Clause */
#include "target_list.h"

#include <errno.h>
#include <stdlib.h>

#include "model/target.h"

void target_list_init(struct target_list *l)
{
	*l = (struct target_list){};
}

void target_list_done(struct target_list *l)
{
	for (size_t i = 0; i < l->cnt; i++)
		target_free(l->items[i]);
	free(l->items);
	target_list_init(l);
}

struct target *target_list_find(const struct target_list *l, dev_t dev, ino_t ino)
{
	for (size_t i = 0; i < l->cnt; i++) {
		if (l->items[i]->dev == dev && l->items[i]->ino == ino)
			return l->items[i];
	}
	return NULL;
}

int target_list_add(struct target_list *l, struct target *t)
{
	size_t cap = l->cap ? l->cap * 2 : 8;
	struct target **items;

	if (target_list_find(l, t->dev, t->ino)) {
		target_free(t);
		return 0;
	}
	if (l->cnt == TARGET_LIST_MAX)
		return -ENOSPC;
	if (l->cnt == l->cap) {
		items = realloc(l->items, cap * sizeof(*items));
		if (!items)
			return -ENOMEM;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->cnt++] = t;
	t->id = (uint32_t)l->cnt;
	return 1;
}

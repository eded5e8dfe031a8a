/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_DISCOVER_TARGET_LIST_H
#define PLAINTAP_DISCOVER_TARGET_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct target;

enum { TARGET_LIST_MAX = 4096 };

/*
 * All files to probe in this run, each once. A target keeps its file open, so that its inode
 * number cannot be given to another file meanwhile. Targets stay at their address.
 */
struct target_list {
	struct target **items; /* owned, as are the targets */
	size_t cnt;
	size_t cap;
	size_t settled_cnt; /* these are in use by now, and stay as they are; set after _init */
	bool plain; /* place no probe but at the start of exported functions; set after _init */
};

void target_list_init(struct target_list *l);
void target_list_done(struct target_list *l);

/* NULL when it is not in the list. Borrowed. */
struct target *target_list_find(const struct target_list *l, dev_t dev, ino_t ino);

/*
 * Gives `t` the next id (from 1) and owns it from now on: 1. When its file is in the list already,
 * `t` is freed: 0. -ENOMEM, -ENOSPC past TARGET_LIST_MAX: `t` remains the caller's.
 */
int target_list_add(struct target_list *l, struct target *t);

#endif

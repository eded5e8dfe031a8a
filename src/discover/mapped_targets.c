// SPDX-License-Identifier: BSD-2-Clause
#include "mapped_targets.h"

#include "base/buf.h"
#include "base/str.h"
#include "discover/proc_maps.h"
#include "discover/target_list.h"
#include "model/target.h"

static void mark(struct str maps, const struct target_list *list, bool *ret)
{
	struct proc_map m;
	int r;

	while ((r = proc_maps_next(&maps, &m)) != 0)
		for (size_t i = 0; r > 0 && m.executable && i < list->cnt; i++)
			if (list->items[i]->ino == m.ino)
				ret[i] = true;
}

int discover_mapped_targets(const char *proc_root, pid_t pid, const struct target_list *list,
			    bool *ret)
{
	struct buf text;
	int r;

	for (size_t i = 0; i < list->cnt; i++)
		ret[i] = false;
	r = proc_maps_read(proc_root, pid, &text);
	if (!r)
		mark(str_make(text.data, text.len), list, ret);
	buf_done(&text);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which processes are looked at. */
#ifndef PLAINTAP_BPF_WATCH_H
#define PLAINTAP_BPF_WATCH_H

#include "maps.bpf.h"

static __always_inline bool process_is_watched(u32 pid)
{
	struct capture_control *c = control_get();

	if (c && c->watch_all)
		return pid != c->self_pid;
	return bpf_map_lookup_elem(&watched, &pid) != NULL;
}

#endif

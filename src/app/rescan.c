// SPDX-License-Identifier: BSD-2-Clause
#include "rescan.h"

static const uint64_t round_delay_ns[] = { 5000000, 50000000, 500000000 };

enum { ROUND_CNT = sizeof(round_delay_ns) / sizeof(round_delay_ns[0]) };

void rescan_add(struct rescan *r, pid_t pid, uint64_t now_ns)
{
	rescan_remove(r, pid);
	if (r->cnt == RESCAN_MAX)
		return;
	r->entries[r->cnt++] = (struct rescan_entry){
		.pid = pid,
		.due_ns = now_ns + round_delay_ns[0],
	};
}

static void drop(struct rescan *r, size_t i)
{
	r->entries[i] = r->entries[--r->cnt];
}

void rescan_remove(struct rescan *r, pid_t pid)
{
	for (size_t i = 0; i < r->cnt; i++)
		if (r->entries[i].pid == pid) {
			drop(r, i);
			return;
		}
}

bool rescan_next(struct rescan *r, uint64_t now_ns, pid_t *ret)
{
	for (size_t i = 0; i < r->cnt; i++) {
		struct rescan_entry *e = &r->entries[i];

		if (e->due_ns > now_ns)
			continue;
		*ret = e->pid;
		if (++e->round < ROUND_CNT)
			e->due_ns = now_ns + round_delay_ns[e->round];
		else
			drop(r, i);
		return true;
	}
	return false;
}

int rescan_wait_ms(const struct rescan *r, uint64_t now_ns, int max)
{
	uint64_t nearest = now_ns + (uint64_t)max * 1000000;

	for (size_t i = 0; i < r->cnt; i++)
		if (r->entries[i].due_ns < nearest)
			nearest = r->entries[i].due_ns;
	return nearest <= now_ns ? 0 : (int)((nearest - now_ns + 999999) / 1000000);
}

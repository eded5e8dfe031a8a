// SPDX-License-Identifier: BSD-2-Clause
#include "seat.h"

#include <stdlib.h>
#include <string.h>

#include "attach/kernel_tables.h"

enum {
	CROWDED_CALLS = 200, /* between two looks */
	CROWDED_LOOKS = 3,
	FREE_PART = 8, /* another processor has at most so much of one's own calls */
};

#define MS_NS UINT64_C(1000000)

void seat_open(struct seat *s, unsigned cpu_cnt)
{
	*s = (struct seat){ .cnt = cpu_cnt };
	if (cpu_cnt > CPU_SETSIZE || sched_getaffinity(0, sizeof(s->allowed), &s->allowed) < 0 ||
	    CPU_COUNT(&s->allowed) < 2)
		return;
	s->calls = calloc(cpu_cnt, sizeof(*s->calls));
	s->now = calloc(cpu_cnt, sizeof(*s->now));
	if (!s->calls || !s->now)
		seat_close(s);
}

void seat_close(struct seat *s)
{
	free(s->calls);
	free(s->now);
	*s = (struct seat){ 0 };
}

bool seat_is_crowded(struct seat *s, unsigned cpu, cpu_set_t *ret)
{
	uint64_t mine = cpu < s->cnt ? s->now[cpu] - s->calls[cpu] : 0;

	CPU_ZERO(ret);
	for (unsigned i = 0; i < s->cnt; i++)
		if (CPU_ISSET(i, &s->allowed) && s->now[i] - s->calls[i] <= mine / FREE_PART)
			CPU_SET(i, ret);
	memcpy(s->calls, s->now, s->cnt * sizeof(*s->calls));
	s->crowded = mine >= CROWDED_CALLS && CPU_COUNT(ret) ? s->crowded + 1 : 0;
	if (s->crowded < CROWDED_LOOKS)
		return false;
	s->crowded = 0;
	return true;
}

/* Where it may be is as before afterwards: it stays where it is until it is moved again. */
static void move(const struct seat *s, const cpu_set_t *to)
{
	if (sched_setaffinity(0, sizeof(*to), to) == 0)
		sched_setaffinity(0, sizeof(s->allowed), &s->allowed);
}

void seat_look(struct seat *s, const struct kernel_side *k, uint64_t now_ns)
{
	int cpu = sched_getcpu();
	cpu_set_t to;

	if (!s->calls || cpu < 0 || now_ns - s->looked_ns < SEAT_LOOK_MS * MS_NS)
		return;
	s->looked_ns = now_ns;
	if (kernel_tables_calls(k, s->now, s->cnt) == 0 && seat_is_crowded(s, (unsigned)cpu, &to))
		move(s, &to);
}

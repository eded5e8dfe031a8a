// SPDX-License-Identifier: BSD-2-Clause
#include "seat.h"

#include <stdlib.h>

#include "attach/kernel_tables.h"
#include "discover/cpu_idle.h"

enum {
	CROWDED_CALLS = 200, /* between two looks */
	FREE_PART = 8,	     /* another processor makes at most so much of one's own calls, … */
	IDLE_PART = 2,	     /* … and has been idle for at least so much of the time */
	REST_MS = 1000,	     /* where nothing was better */
};

#define MS_NS UINT64_C(1000000)

void seat_open(struct seat *s, unsigned cpu_cnt)
{
	uint64_t *numbers;

	*s = (struct seat){ .cnt = cpu_cnt };
	if (cpu_cnt > CPU_SETSIZE || sched_getaffinity(0, sizeof(s->allowed), &s->allowed) < 0 ||
	    CPU_COUNT(&s->allowed) < 2)
		return;
	numbers = calloc(5 * (size_t)cpu_cnt, sizeof(*numbers));
	if (!numbers)
		return;
	s->calls = numbers;
	s->made = numbers + cpu_cnt;
	s->idle_begin = numbers + 2 * (size_t)cpu_cnt;
	s->idle = numbers + 3 * (size_t)cpu_cnt;
	s->now = numbers + 4 * (size_t)cpu_cnt;
}

void seat_close(struct seat *s)
{
	free(s->calls);
	*s = (struct seat){ 0 };
}

unsigned seat_count(struct seat *s, const uint64_t *calls, unsigned cpu)
{
	for (unsigned i = 0; i < s->cnt; i++) {
		s->made[i] = calls[i] - s->calls[i];
		s->calls[i] = calls[i];
	}
	s->crowded = cpu < s->cnt && s->made[cpu] >= CROWDED_CALLS ? s->crowded + 1 : 0;
	return s->crowded;
}

bool seat_choose(const struct seat *s, uint64_t ms, unsigned cpu, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	for (unsigned i = 0; i < s->cnt; i++)
		if (CPU_ISSET(i, &s->allowed) && s->made[i] <= s->made[cpu] / FREE_PART &&
		    s->idle[i] - s->idle_begin[i] >= ms / IDLE_PART)
			CPU_SET(i, ret);
	return CPU_COUNT(ret) > 0;
}

/* Where it may be is as before afterwards: it stays where it is until it is moved again. */
static void move(const struct seat *s, const cpu_set_t *to)
{
	if (sched_setaffinity(0, sizeof(*to), to) == 0)
		sched_setaffinity(0, sizeof(s->allowed), &s->allowed);
}

static void judge(struct seat *s, unsigned cpu, uint64_t now_ns)
{
	cpu_set_t to;

	s->crowded = 0;
	if (cpu_idle_read("/proc", s->idle, s->cnt) == 0 &&
	    seat_choose(s, (now_ns - s->begin_ns) / MS_NS, cpu, &to))
		move(s, &to);
	else
		s->rest_ns = now_ns + REST_MS * MS_NS;
}

void seat_look(struct seat *s, const struct kernel_side *k, uint64_t now_ns)
{
	int cpu = sched_getcpu();

	if (!s->calls || cpu < 0 || now_ns < s->rest_ns ||
	    now_ns - s->looked_ns < SEAT_LOOK_MS * MS_NS)
		return;
	s->looked_ns = now_ns;
	if (kernel_tables_calls(k, s->now, s->cnt) < 0)
		return;
	switch (seat_count(s, s->now, (unsigned)cpu)) {
	case 1:
		s->begin_ns = now_ns;
		if (cpu_idle_read("/proc", s->idle_begin, s->cnt) < 0)
			seat_close(s);
		break;
	case SEAT_CROWDED_LOOKS:
		judge(s, (unsigned)cpu, now_ns);
		break;
	}
}

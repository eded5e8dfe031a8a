// SPDX-License-Identifier: BSD-2-Clause
#include "app/seat.h"

#include <stdlib.h>

#include "tap.h"

static struct seat seat_of(unsigned cnt)
{
	struct seat s = { .cnt = cnt };

	CPU_ZERO(&s.allowed);
	for (unsigned i = 0; i < cnt; i++)
		CPU_SET(i, &s.allowed);
	s.calls = calloc(cnt, sizeof(*s.calls));
	s.now = calloc(cnt, sizeof(*s.now));
	return s;
}

/* So many looks, between which each processor sees that many calls; the last one's answer. */
static bool looks(struct seat *s, unsigned times, unsigned cpu, const uint64_t *calls,
		  cpu_set_t *ret)
{
	bool crowded = false;

	for (unsigned i = 0; i < times; i++) {
		for (unsigned c = 0; c < s->cnt; c++)
			s->now[c] += calls[c];
		crowded = seat_is_crowded(s, cpu, ret);
	}
	return crowded;
}

static void test_moves_to_who_is_free(void)
{
	static const uint64_t calls[] = { 2000, 10, 900, 0 };
	struct seat s = seat_of(4);
	cpu_set_t to;

	CPU_CLR(3, &s.allowed);
	OK(!looks(&s, 2, 0, calls, &to));
	OK(looks(&s, 1, 0, calls, &to));
	INT_EQ(CPU_COUNT(&to), 1);
	OK(CPU_ISSET(1, &to));
	OK_MSG(!looks(&s, 2, 0, calls, &to), "not again at once");
	OK(!looks(&s, 9, 1, calls, &to));
	seat_close(&s);
}

static void test_stays(void)
{
	static const struct {
		const char *why;
		uint64_t calls[2];
	} rows[] = {
		{ "nothing happens", { 0, 0 } },
		{ "little happens", { 150, 0 } },
		{ "the others are no better", { 3000, 2500 } },
		{ "it sits well", { 0, 3000 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seat s = seat_of(2);
		cpu_set_t to;

		OK_MSG(!looks(&s, 9, 0, rows[i].calls, &to), "%s", rows[i].why);
		seat_close(&s);
	}
}

static void test_a_moment_is_not_enough(void)
{
	static const uint64_t busy[] = { 3000, 0 }, calm[] = { 0, 0 };
	struct seat s = seat_of(2);
	cpu_set_t to;

	for (int i = 0; i < 5; i++) {
		OK(!looks(&s, 2, 0, busy, &to));
		OK(!looks(&s, 1, 0, calm, &to));
	}
	OK_MSG(!looks(&s, 9, 7, busy, &to), "a processor that is not known");
	seat_close(&s);
}

static void test_open(void)
{
	struct seat s;

	seat_open(&s, CPU_SETSIZE + 1);
	OK_MSG(!s.calls, "more processors than a set can hold");
	seat_look(&s, NULL, 1);
	seat_close(&s);
}

int main(void)
{
	RUN(test_moves_to_who_is_free);
	RUN(test_stays);
	RUN(test_a_moment_is_not_enough);
	RUN(test_open);
	return tap_done();
}

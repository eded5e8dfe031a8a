// SPDX-License-Identifier: BSD-2-Clause
#include "app/seat.h"

#include <stdlib.h>
#include <string.h>

#include "discover/cpu_idle.h"
#include "file_tree.h"
#include "tap.h"

enum { CNT = 4, MS = 100 };

static uint64_t numbers[5][CNT];

static struct seat seat_of_four(void)
{
	struct seat s = {
		.cnt = CNT,
		.calls = numbers[0],
		.made = numbers[1],
		.idle_begin = numbers[2],
		.idle = numbers[3],
	};

	memset(numbers, 0, sizeof(numbers));
	CPU_ZERO(&s.allowed);
	for (unsigned i = 0; i < CNT; i++)
		CPU_SET(i, &s.allowed);
	return s;
}

/* Each processor sees that many more calls. */
static unsigned look(struct seat *s, unsigned cpu, const uint64_t *made)
{
	uint64_t *calls = numbers[4];

	for (unsigned c = 0; c < CNT; c++)
		calls[c] += made[c];
	return seat_count(s, calls, cpu);
}

static void test_crowded(void)
{
	static const uint64_t busy[CNT] = { 3000, 10 }, calm[CNT] = { 199, 5000 };
	struct seat s = seat_of_four();

	INT_EQ(look(&s, 0, calm), 0);
	INT_EQ(look(&s, 0, busy), 1);
	INT_EQ(look(&s, 0, busy), 2);
	INT_EQ(look(&s, 0, calm), 0);
	INT_EQ(look(&s, 0, busy), 1);
	INT_EQ(look(&s, 1, busy), 0);
	INT_EQ(look(&s, CNT, busy), 0);
}

static void test_choice(void)
{
	static const struct {
		const char *why;
		uint64_t made[CNT], idle[CNT];
		unsigned want; /* a bit a processor */
	} rows[] = {
		{ "idle and free of calls", { 3000, 0, 0, 0 }, { 0, 100, 50, 0 }, 0x6 },
		{ "nobody is idle", { 3000, 0, 0, 0 }, { 0, 40, 0, 10 }, 0 },
		{ "the idle ones make calls too", { 3000, 400, 376, 375 }, { 0, 90, 90, 90 }, 8 },
		{ "its own is never better", { 3000, 3000, 3000, 3000 }, { 90, 0, 0, 0 }, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seat s = seat_of_four();
		unsigned got = 0;
		cpu_set_t to;

		look(&s, 0, rows[i].made);
		for (unsigned c = 0; c < CNT; c++) {
			s.idle_begin[c] = 7000;
			s.idle[c] = 7000 + rows[i].idle[c];
		}
		INT_EQ(seat_choose(&s, MS, 0, &to), rows[i].want != 0);
		for (unsigned c = 0; c < CNT; c++)
			got |= (unsigned)CPU_ISSET(c, &to) << c;
		INT_EQ(got, rows[i].want);
		OK_MSG(got == rows[i].want, "%s", rows[i].why);
	}
}

static void test_not_where_it_may_not(void)
{
	static const uint64_t busy[CNT] = { 3000 };
	struct seat s = seat_of_four();
	cpu_set_t to;

	CPU_CLR(2, &s.allowed);
	look(&s, 0, busy);
	for (unsigned c = 0; c < CNT; c++)
		s.idle[c] = MS;
	OK(seat_choose(&s, MS, 0, &to));
	INT_EQ(CPU_COUNT(&to), 2);
	OK(!CPU_ISSET(2, &to));
}

static void test_does_not_move(void)
{
	struct seat s;

	seat_open(&s, CPU_SETSIZE + 1);
	OK_MSG(!s.calls, "more processors than a set can hold");
	seat_look(&s, NULL, 1);
	seat_close(&s);
}

static void test_idle(void)
{
	static const char text[] = "cpu  9 9 9 9 9 9\n"
				   "cpu0 100 1 50 200 30 0 0 0 0 0\n"
				   "cpu2 100 1 50 7\n"
				   "cpu9 1 1 1 900 1\n"
				   "cpux\n"
				   "intr 4 5 6\n"
				   "cpu1 1 1 1 44 0\n";
	uint64_t ms[CNT] = { 1, 1, 1, 1 };

	tree_put("stat", text);
	INT_EQ(cpu_idle_read(tree_root, ms, CNT), 0);
	INT_EQ(ms[0], 230 * 1000 / sysconf(_SC_CLK_TCK));
	INT_EQ(ms[1], 0);
	INT_EQ(ms[2], 7 * 1000 / sysconf(_SC_CLK_TCK));
	INT_EQ(ms[3], 0);
	OK(cpu_idle_read("/nowhere", ms, CNT) < 0);
	INT_EQ(cpu_idle_read("/proc", ms, CNT), 0);
	OK_MSG(ms[0] || ms[1] || ms[2] || ms[3], "some processor of this machine was idle");
}

int main(void)
{
	tree_begin();
	RUN(test_crowded);
	RUN(test_choice);
	RUN(test_not_where_it_may_not);
	RUN(test_does_not_move);
	RUN(test_idle);
	tree_end();
	return tap_done();
}

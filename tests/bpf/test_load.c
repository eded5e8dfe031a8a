// SPDX-License-Identifier: BSD-2-Clause
/*
 * The verifier takes the kernel side in every combination of features: what an older kernel would
 * be given is tried here by forbidding what it lacks. Watches nothing, probes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/features.h"
#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "attach/privilege.h"
#include "tap.h"

enum { RING_SIZE = 1 << 16, NOBODY = 65534 };

static const char *expected_fashion(const struct features *f, unsigned forbidden)
{
	if (!f->has[FEATURE_COOKIE] || (forbidden >> FEATURE_COOKIE & 1))
		return "perf";
	if (f->has[FEATURE_SESSION] && !(forbidden >> FEATURE_SESSION & 1))
		return "session";
	return f->has[FEATURE_MULTI] && !(forbidden >> FEATURE_MULTI & 1) ? "multi" : "perf";
}

enum waiting { WAIT_NEVER, WAIT_FOR_LOOKS, WAIT_TO_LOSE_NOTHING };

static void check_load(const struct features *f, unsigned forbidden, enum waiting waiting)
{
	static const char *const words[] = { "no thread waits", "threads wait for looks",
					     "threads wait for room" };
	struct kernel_side_options opt = {
		.ring_size = RING_SIZE,
		.forbidden = forbidden,
		.hold = waiting != WAIT_NEVER,
		.pause = waiting == WAIT_TO_LOSE_NOTHING ? PAUSE_WHEN_FILLING : PAUSE_NEVER,
	};
	struct kernel_side *k = NULL;
	struct kernel_stats stats;
	struct error err = { 0 };

	if (!OK_MSG(kernel_side_open(&opt, &k, &err) == 0 && kernel_side_wait(k, &err) == 0,
		    "loads without 0x%02x, %s %s", forbidden, words[waiting], err.text))
		return;
	C_STR_EQ(kernel_side_fashion(k), expected_fashion(f, forbidden));
	INT_EQ(kernel_side_ring_size(k), RING_SIZE);
	INT_EQ(kernel_side_watched_cnt(k, 10), 0);
	INT_EQ(kernel_tables_stats(k, &stats), 0);
	INT_EQ(stats.calls, 0);
	kernel_side_close(k);
}

static void test_every_combination(void)
{
	/* What it takes to hold a thread in a call: without, it is the same. */
	const unsigned needs = 1u << FEATURE_SLEEP | 1u << FEATURE_LOOP | 1u << FEATURE_COOKIE;
	struct features f;
	struct error err = { 0 };

	if (!OK_MSG(features_probe(0, NULL, &f, &err) == 0, "features are found %s", err.text))
		return;
	for (int i = 0; i < FEATURE_CNT; i++)
		tap_note("%s: %s", feature_name(i), f.has[i] ? "yes" : "no");
	for (unsigned forbidden = 0; forbidden < 1u << FEATURE_CNT; forbidden++) {
		check_load(&f, forbidden, WAIT_NEVER);
		if (forbidden & needs)
			continue;
		check_load(&f, forbidden, WAIT_FOR_LOOKS);
		check_load(&f, forbidden, WAIT_TO_LOSE_NOTHING);
	}
}

static void test_a_ring_that_cannot_be(void)
{
	struct kernel_side_options opt = { .ring_size = 0 };
	struct kernel_side *k = NULL;
	struct error err = { 0 };

	OK(kernel_side_open(&opt, &k, &err) < 0);
	OK(!k);
	OK_MSG(strstr(err.text, "refused") != NULL, "says so: %s", err.text);
}

/* In a child that may not. */
static void test_without_permission(void)
{
	struct kernel_side_options opt = { .ring_size = RING_SIZE };
	struct error err = { 0 };
	int fds[2], status = 0;
	pid_t pid;

	if (getuid() != 0) {
		tap_skip("without permission", "needs root to become nobody");
		return;
	}
	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct kernel_side *k = NULL;

		if (setuid(NOBODY) < 0)
			_exit(2);
		err.code = kernel_side_open(&opt, &k, &err);
		_exit(write(fds[1], &err, sizeof(err)) == sizeof(err) && !k ? 0 : 1);
	}
	close(fds[1]);
	INT_EQ(read(fds[0], &err, sizeof(err)), sizeof(err));
	close(fds[0]);
	waitpid(pid, &status, 0);
	INT_EQ(status, 0);
	OK(err.code < 0);
	OK_MSG(strstr(err.text, "refuses") != NULL, "says so: %s", err.text);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("load sweep", err.text);
		return tap_done();
	}
	RUN(test_every_combination);
	RUN(test_a_ring_that_cannot_be);
	RUN(test_without_permission);
	return tap_done();
}

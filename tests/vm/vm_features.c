// SPDX-License-Identifier: BSD-2-Clause
/*
 * What this kernel can do is what the table says, and the kernel takes the BPF programs of every
 * fashion of links that it offers.
 */
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include "../unit/tap.h"
#include "attach/kernel_side.h"
#include "base/log.h"
#include "expect.h"

/* What was said since the last reset; shown when a load fails. */
static char said[65536];

static void keep(void *user, enum log_level level, const char *text)
{
	size_t len = strlen(said);

	snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

static void show_said(void)
{
	char *rest = said, *line;

	while ((line = strsep(&rest, "\n")))
		tap_note("%s", line);
}

static int keep_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	size_t len = strlen(said);

	vsnprintf(said + len, sizeof(said) - len, fmt, ap);
	return 0;
}

/* What makes code hard to probe there is on, as run.py has asked for. */
static void test_arm64_checks_returns_and_jumps(void)
{
#ifdef __aarch64__
	OK_MSG(getauxval(AT_HWCAP) & HWCAP_PACA, "return addresses are signed");
	OK_MSG(getauxval(AT_HWCAP2) & HWCAP2_BTI, "only landing pads may be jumped to");
#endif
}

static unsigned bit(enum feature f)
{
	return 1u << f;
}

static void test_features_are_the_expected_ones(void)
{
	const struct expected_kernel *want = expected_here();
	struct features found = { 0 };
	struct error err = { 0 };
	struct utsname name;

	uname(&name);
	if (!OK_MSG(want != NULL, "kernel %s is in the table", name.release))
		return;
	if (!OK_MSG(features_probe(0, NULL, &found, &err) == 0, "features can be probed")) {
		show_said();
		tap_note("%s", err.text);
	}
	for (int f = 0; f < FEATURE_CNT; f++)
		OK_MSG(found.has[f] == want->has[f], "%s: %s here, as expected", feature_name(f),
		       want->has[f] ? "is" : "is not");
}

static void load(unsigned forbidden, const char *what)
{
	struct kernel_side_options opt = { .ring_size = 1 << 20, .forbidden = forbidden };
	struct kernel_side *k = NULL;
	struct error err = { 0 };
	int r;

	said[0] = '\0';
	r = kernel_side_open(&opt, &k, &err);
	if (!OK_MSG(r == 0, "programs load: %s (%s links)", what,
		    r ? "no" : kernel_side_fashion(k))) {
		show_said();
		tap_note("%s", err.text);
	}
	kernel_side_close(k);
}

/* Each feature forbidden alone, then one after the other; on older kernels some are the same. */
static void test_programs_load_with_what_there_is(void)
{
	unsigned forbidden = 0;

	load(0, "with all that the kernel offers");
	for (int f = 0; f < FEATURE_CNT; f++) {
		char what[64];

		if (!expected_here() || !expected_here()->has[f])
			continue;
		snprintf(what, sizeof(what), "without %s", feature_name((enum feature)f));
		load(bit((enum feature)f), what);
		forbidden |= bit((enum feature)f);
		snprintf(what, sizeof(what), "without %s and those before",
			 feature_name((enum feature)f));
		if (forbidden != bit((enum feature)f))
			load(forbidden, what);
	}
}

int main(void)
{
	log_set(keep, NULL);
	libbpf_set_print(keep_libbpf);
	RUN(test_arm64_checks_returns_and_jumps);
	RUN(test_features_are_the_expected_ones);
	RUN(test_programs_load_with_what_there_is);
	return tap_done();
}

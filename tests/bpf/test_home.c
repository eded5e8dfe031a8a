// SPDX-License-Identifier: BSD-2-Clause
/* Links with a pid: do they see what attach/home_check.h asks, where the kernel has them? */
#include "attach/features.h"
#include "attach/home_check.h"
#include "attach/libbpf_log.h"
#include "attach/privilege.h"
#include "tap.h"

/* All kernels that this is tested on and that have them see all threads. */
static void test_links(void)
{
	struct error err = { 0 };
	struct features f;

	if (!OK_MSG(features_probe(0, NULL, &f, &err) == 0, "features are found %s", err.text))
		return;
	for (int i = 0; i < 10; i++)
		INT_EQ(home_check_links(), f.has[FEATURE_MULTI]);
}

int main(void)
{
	struct error err = { 0 };

	if (privilege_check(&err) < 0) {
		tap_skip("links with a pid", err.text);
		return tap_done();
	}
	libbpf_log_use();
	RUN(test_links);
	return tap_done();
}

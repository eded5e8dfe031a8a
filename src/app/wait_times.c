// SPDX-License-Identifier: BSD-2-Clause
#include "wait_times.h"

#include <stdlib.h>

void wait_times_note(struct wait_times *w, uint64_t ns)
{
	w->us[w->cnt++ % WAIT_TIMES_MAX] = (uint32_t)(ns / 1000);
}

static int compare_us(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

bool wait_times_tell(struct wait_times *w, double *ret_median_ms, double *ret_max_ms)
{
	size_t cnt = w->cnt < WAIT_TIMES_MAX ? w->cnt : WAIT_TIMES_MAX;

	if (!cnt)
		return false;
	qsort(w->us, cnt, sizeof(w->us[0]), compare_us);
	*ret_median_ms = w->us[cnt / 2] / 1e3;
	*ret_max_ms = w->us[cnt - 1] / 1e3;
	return true;
}

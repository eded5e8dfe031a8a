// SPDX-License-Identifier: BSD-2-Clause
/* A line on the control socket. An order that is taken is one; a refused one has its sentence. */
#include <stdlib.h>

#include "app/ctl_order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ctl_order order = { 0 };
	struct error err = { 0 };
	int r = ctl_order_parse(str_make(data, len), &order, &err);

	if (r < 0 ? !err.text[0] : order.verb != CTL_STATUS && order.pid <= 0)
		abort();
	return 0;
}

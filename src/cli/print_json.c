// SPDX-License-Identifier: BSD-2-Clause
#include "print_json.h"

#include <stdio.h>

#include "base/json.h"

int print_json_line(const struct json *j)
{
	int r = json_error(j);

	if (!r)
		printf("%.*s\n", (int)j->out->len, (const char *)j->out->data);
	return r;
}

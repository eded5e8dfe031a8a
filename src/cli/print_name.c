// SPDX-License-Identifier: BSD-2-Clause
#include "print_name.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"

enum { NAME_MAX_BYTES = 1 << 16 };

void print_name(const char *text)
{
	struct buf out;

	buf_init(&out, NAME_MAX_BYTES);
	text_escape(&out, str_from(text), TEXT_LINE, 0);
	fwrite(out.data, 1, out.len, stdout);
	buf_done(&out);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static log_fn current_fn;
static void *current_user;

void log_set(log_fn fn, void *user)
{
	current_fn = fn;
	current_user = user;
}

void log_say(enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!current_fn)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	current_fn(current_user, level, text);
}

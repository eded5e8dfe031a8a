// SPDX-License-Identifier: BSD-2-Clause
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

static log_fn current_fn;
static void *current_user;

void log_set(log_fn fn, void *user)
{
	current_fn = fn;
	current_user = user;
}

void log_say_va(enum log_level level, const char *fmt, va_list ap)
{
	char *text;

	if (!current_fn || vasprintf(&text, fmt, ap) < 0)
		return;
	current_fn(current_user, level, text);
	free(text);
}

void log_say(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_say_va(level, fmt, ap);
	va_end(ap);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries never print. What a person may want to know on the way (a library that was found, a
 * process that has gone) goes to a callback that the program sets.
 */
#ifndef PLAINTAP_BASE_LOG_H
#define PLAINTAP_BASE_LOG_H

#include <stdarg.h>

enum log_level {
	LOG_WARNING, /* always shown */
	LOG_INFO,    /* -v */
	LOG_DEBUG,   /* -vv */
};

typedef void (*log_fn)(void *user, enum log_level level, const char *text);

/* Not thread-safe; set once at start. NULL: silence, the default. */
void log_set(log_fn fn, void *user);
void log_say(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_say_va(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, said once.
 *
 * Functions return 0 or a count, or a negative errno. Where the number alone would leave a user
 * guessing, the function also takes a `struct error *` (may be NULL) and leaves one sentence
 * there: the object, the value, the reason, what to do. Libraries never print; the program does.
 */
#ifndef PLAINTAP_BASE_ERROR_H
#define PLAINTAP_BASE_ERROR_H

struct error {
	int code;	/* negative errno, 0 when nothing was set */
	char text[640]; /* one sentence without a newline; "" when nothing was set */
};

/*
 * Fills `err` (when not NULL; an earlier text is replaced) and returns `code`, so that a function
 * can say `return error_set(err, -EINVAL, "…")`.
 */
int error_set(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Like error_set(), with ": <strerror(-code)>" added to the text. */
int error_set_errno(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

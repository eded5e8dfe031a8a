/* SPDX-License-Identifier: BSD-2-Clause */
/* A borrowed view of bytes that need not end in NUL, and the only number parser of the project. */
#ifndef PLAINTAP_BASE_STR_H
#define PLAINTAP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p; /* may be NULL when len is 0 */
	size_t len;
};

/* For printf("%.*s"): */
#define STR_FMT(s)   (int)(s).len, (s).p ? (s).p : ""
#define STR_LIT(lit) ((struct str){ "" lit, sizeof(lit) - 1 })

static inline struct str str_from(const char *c_string)
{
	return (struct str){ c_string, c_string ? strlen(c_string) : 0 };
}

static inline struct str str_make(const void *p, size_t len)
{
	return (struct str){ p, len };
}

bool str_eq(struct str a, struct str b);
/* ASCII letters compare without case, whatever the locale. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);
/* Position of `c`, or -1. */
int64_t str_find(struct str s, char c);
/* A NUL-terminated copy to free(), NULL without memory. */
char *str_dup(struct str s);
/*
 * Cuts the part before the next `sep` off `rest` into `ret_part`. False when `rest` is used up.
 * "a,,b" gives "a", "", "b"; "a," gives "a"; the empty string gives nothing.
 */
bool str_next_part(struct str *rest, char sep, struct str *ret_part);

/*
 * The whole of `s` as an unsigned number, digits of `base` (10 or 16) only: no sign, no space, no
 * prefix. -EINVAL for anything else (also for the empty string), -ERANGE past 64 bits.
 */
int str_to_u64(struct str s, unsigned base, uint64_t *ret);
/* The decimal number behind `key` and blanks at the beginning of `s`; whatever follows it. */
bool str_number_after(struct str s, struct str key, uint64_t *ret);
/* A size such as "4096", "64K", "1M", "2G" (powers of 1024, either case). Errors as above. */
int str_to_size(struct str s, uint64_t *ret);

#endif

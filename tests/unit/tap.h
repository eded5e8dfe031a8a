/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small TAP producer (Test Anything Protocol): one `ok` line a check, no library, works in a
 * bare virtual machine. A test file is a list of `static void test_x(void)` and
 *
 *	int main(void) { RUN(test_x); RUN(test_y); return tap_done(); }
 */
#ifndef PLAINTAP_TESTS_TAP_H
#define PLAINTAP_TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One check; returns its truth. `what` is a printf format. */
bool tap_check(bool good, const char *file, int line, const char *what, ...)
	__attribute__((format(printf, 4, 5)));
bool tap_check_int(int64_t got, int64_t want, const char *file, int line, const char *what);
bool tap_check_str(const char *got, size_t got_len, const char *want, size_t want_len,
		   const char *file, int line, const char *what);
void tap_skip(const char *what, const char *why);
/* A comment line. */
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints the plan; the exit status for main. */
int tap_done(void);

#define OK(cond)	  tap_check((cond), __FILE__, __LINE__, "%s", #cond)
#define OK_MSG(cond, ...) tap_check((cond), __FILE__, __LINE__, __VA_ARGS__)
#define INT_EQ(got, want) tap_check_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got)
#define C_STR_EQ(got, want)                                                                   \
	tap_check_str((got), __builtin_strlen(got), (want), __builtin_strlen(want), __FILE__, \
		      __LINE__, #got)
#define BYTES_EQ(got, got_len, want, want_len)                                                    \
	tap_check_str((const char *)(got), (got_len), (const char *)(want), (want_len), __FILE__, \
		      __LINE__, #got)
#define RUN(fn)                      \
	do {                         \
		tap_note("%s", #fn); \
		fn();                \
	} while (0)

/*
 * `len` bytes whose end lies against an unmapped page: reading one byte past them is a crash. The
 * copy is to be given back with guarded_free().
 */
void *guarded_copy(const void *data, size_t len);
void guarded_free(void *p, size_t len);

/*
 * Calls `feed(user, cuts, cut_cnt)` for many ways to cut `len` bytes into pieces: whole, byte by
 * byte, every split in two (every n-th for long inputs), 64 random ones. `cuts` are ascending
 * positions strictly inside the input.
 */
typedef void (*split_fn)(void *user, const size_t *cuts, size_t cut_cnt);
void for_each_split(size_t len, split_fn feed, void *user);

/*
 * Makes the n-th allocation from now fail (1: the next one); 0: never. Works for code under test
 * that is linked with `-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup`, see the
 * variable fail_alloc_args in tests/unit/meson.build.
 */
void fail_alloc_at(unsigned n);
/* Did the planned failure happen? */
bool fail_alloc_hit(void);

#endif

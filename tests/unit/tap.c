// SPDX-License-Identifier: BSD-2-Clause
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned done_cnt, failed_cnt;

static void print_place(const char *file, int line)
{
	const char *base = strrchr(file, '/');

	printf("#   at %s:%d\n", base ? base + 1 : file, line);
}

static bool count(bool good)
{
	done_cnt++;
	if (!good)
		failed_cnt++;
	printf("%s %u - ", good ? "ok" : "not ok", done_cnt);
	return good;
}

bool tap_check(bool good, const char *file, int line, const char *what, ...)
{
	va_list ap;

	count(good);
	va_start(ap, what);
	vprintf(what, ap);
	va_end(ap);
	putchar('\n');
	if (!good)
		print_place(file, line);
	return good;
}

bool tap_check_int(int64_t got, int64_t want, const char *file, int line, const char *what)
{
	if (tap_check(got == want, file, line, "%s is %lld", what, (long long)want))
		return true;
	printf("#   got %lld\n", (long long)got);
	return false;
}

static void print_bytes(const char *label, const char *data, size_t len)
{
	printf("#   %s (%zu bytes): ", label, len);
	for (size_t i = 0; i < len && i < 400; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	putchar('\n');
}

bool tap_check_str(const char *got, size_t got_len, const char *want, size_t want_len,
		   const char *file, int line, const char *what)
{
	bool good = got_len == want_len && (!got_len || memcmp(got, want, got_len) == 0);

	if (tap_check(good, file, line, "%s as expected", what))
		return true;
	print_bytes("got ", got, got_len);
	print_bytes("want", want, want_len);
	return false;
}

void tap_skip(const char *what, const char *why)
{
	count(true);
	printf("%s # SKIP %s\n", what, why);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

int tap_done(void)
{
	printf("1..%u\n", done_cnt);
	fflush(stdout);
	if (!done_cnt)
		return EXIT_FAILURE;
	return failed_cnt ? EXIT_FAILURE : EXIT_SUCCESS;
}

static size_t guarded_size(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page + page;
}

void *guarded_copy(const void *data, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = guarded_size(len);
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	uint8_t *at;

	if (base == MAP_FAILED || mprotect(base + size - page, page, PROT_NONE) < 0)
		abort();
	at = base + size - page - len;
	if (len)
		memcpy(at, data, len);
	return at;
}

void guarded_free(void *p, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = guarded_size(len);

	munmap((uint8_t *)p + len + page - size, size);
}

static void split_bytewise(size_t len, split_fn feed, void *user)
{
	size_t *cuts = malloc(len * sizeof(*cuts));

	if (!cuts)
		abort();
	for (size_t i = 1; i < len; i++)
		cuts[i - 1] = i;
	feed(user, cuts, len - 1);
	free(cuts);
}

/* A fixed sequence: a failure must come again in the next run. */
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void split_randomly(size_t len, split_fn feed, void *user)
{
	uint32_t state = 1;

	for (int round = 0; round < 64; round++) {
		size_t cuts[32];
		size_t cnt = 0, at = 0;

		while (cnt < 32) {
			at += 1 + next_random(&state) % (len / 4 + 1);
			if (at >= len)
				break;
			cuts[cnt++] = at;
		}
		feed(user, cuts, cnt);
	}
}

void for_each_split(size_t len, split_fn feed, void *user)
{
	size_t step = len > 2000 ? len / 1000 : 1;

	feed(user, NULL, 0);
	if (len < 2)
		return;
	split_bytewise(len, feed, user);
	for (size_t at = 1; at < len; at += step)
		feed(user, &at, 1);
	split_randomly(len, feed, user);
}

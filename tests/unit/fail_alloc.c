// SPDX-License-Identifier: BSD-2-Clause
/* Allocation functions that fail on order: the linker's --wrap puts them in front of libc's. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t cnt, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t cnt, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);

static unsigned countdown;
static bool hit;

void fail_alloc_at(unsigned n)
{
	countdown = n;
	hit = false;
}

bool fail_alloc_hit(void)
{
	return hit;
}

static bool fails_now(void)
{
	if (!countdown || --countdown)
		return false;
	hit = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t cnt, size_t size)
{
	return fails_now() ? NULL : __real_calloc(cnt, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy = fails_now() ? NULL : __real_malloc(len);

	return copy ? memcpy(copy, s, len) : NULL;
}

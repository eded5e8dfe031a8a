// SPDX-License-Identifier: BSD-2-Clause
#include "library_version.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	READ_LEN = 256 << 10,	      /* bytes of a file at a time */
	FILE_LEN_MAX = 64 << 20,      /* and of all of it */
	OVERLAP = TARGET_VERSION_MAX, /* a text may lie across two reads */
};

static const char *const names[] = { "OpenSSL ", "LibreSSL " };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Length of "3.0.17", "1.1.1w", "3.6.0-dev": digits and two points first; 0: it is none. */
static size_t number_len(const uint8_t *p, size_t len)
{
	size_t points = 0, i = 0;

	for (; i < len && (is_digit(p[i]) || p[i] == '.'); i++)
		if (p[i] == '.' && (++points > 2 || !i || !is_digit(p[i - 1])))
			return 0;
	if (points != 2 || !is_digit(p[i - 1]))
		return 0;
	while (i < len && (is_digit(p[i]) || (p[i] >= 'a' && p[i] <= 'z') || p[i] == '-'))
		i++;
	/* A date follows, or nothing. */
	return i < len && (p[i] == ' ' || !p[i]) ? i : 0;
}

static void take(const uint8_t *text, size_t len, char version[TARGET_VERSION_MAX])
{
	if (len >= TARGET_VERSION_MAX)
		return;
	if (!version[0])
		snprintf(version, TARGET_VERSION_MAX, "%.*s", (int)len, (const char *)text);
	else if (strlen(version) != len || memcmp(version, text, len) != 0)
		snprintf(version, TARGET_VERSION_MAX, "?");
}

bool library_version_scan(const void *data, size_t len, char version[TARGET_VERSION_MAX])
{
	const uint8_t *end = (const uint8_t *)data + len;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t name_len = strlen(names[i]);
		const uint8_t *at = data;

		while ((at = memmem(at, (size_t)(end - at), names[i], name_len))) {
			size_t number = number_len(at + name_len, (size_t)(end - at) - name_len);

			/* The whole text: what stands before it has ended. Of one right at the
			 * start that cannot be told; scan_file() shows it twice. */
			if (number && at > (const uint8_t *)data && !at[-1])
				take(at, name_len + number, version);
			at += name_len;
		}
	}
	return version[0] != '\0';
}

/* `buf` has OVERLAP and READ_LEN bytes. */
static void scan_file(int fd, uint8_t *buf, char version[TARGET_VERSION_MAX])
{
	size_t kept = 0;

	for (off_t at = 0; at < FILE_LEN_MAX;) {
		ssize_t got = pread(fd, buf + kept, READ_LEN, at);
		size_t len;

		if (got <= 0)
			return;
		len = kept + (size_t)got;
		library_version_scan(buf, len, version);
		at += got;
		kept = len < OVERLAP ? len : OVERLAP;
		memmove(buf, buf + len - kept, kept);
	}
}

void library_version_read(int fd, char ret[TARGET_VERSION_MAX])
{
	CLEANUP_FREE uint8_t *buf = malloc(OVERLAP + READ_LEN);

	ret[0] = '\0';
	if (buf)
		scan_file(fd, buf, ret);
	if (ret[0] == '?')
		ret[0] = '\0';
}

// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "discover/library_version.h"
#include "tap.h"

/* `bytes` with a NUL in front and behind, as it is in a library. */
static const char *scan(const char *bytes, size_t len)
{
	static char version[TARGET_VERSION_MAX];
	uint8_t *all = calloc(1, len + 2);
	uint8_t *guarded;

	if (!all)
		abort();
	memcpy(all + 1, bytes, len);
	guarded = guarded_copy(all, len + 2);
	version[0] = '\0';
	library_version_scan(guarded, len + 2, version);
	guarded_free(guarded, len + 2);
	free(all);
	return version;
}

#define CHECK(bytes, want) C_STR_EQ(scan(bytes, sizeof(bytes) - 1), want)

static void test_texts(void)
{
	CHECK("OpenSSL 3.0.17 1 Jul 2025", "OpenSSL 3.0.17");
	CHECK("OpenSSL 1.1.1w  11 Sep 2023", "OpenSSL 1.1.1w");
	CHECK("OpenSSL 3.6.0-beta1 16 Sep 2025", "OpenSSL 3.6.0-beta1");
	CHECK("LibreSSL 4.0.0", "LibreSSL 4.0.0");
	CHECK("x\0OpenSSL 3.5.4 30 Sep 2025\0y", "OpenSSL 3.5.4");
	CHECK("OpenSSL 3.5.4\0OpenSSL 3.5.4 30 Sep 2025", "OpenSSL 3.5.4");
}

static void test_what_is_none(void)
{
	CHECK("", "");
	CHECK("OpenSSL ", "");
	CHECK("OpenSSL 3.0", "");
	CHECK("OpenSSL 3.0.", "");
	CHECK("OpenSSL 3..0", "");
	CHECK("OpenSSL 3.0.1.2", "");
	CHECK("OpenSSL .3.0", "");
	CHECK("OpenSSL %s", "");
	CHECK("OpenSSL 3.0.17_x", "");
	CHECK("made for OpenSSL 3.0.17 1 Jul 2025", "");
	CHECK("OpenSSL 3.0.1712345678901234567890123456789", "");
}

/* What cannot be told is not guessed. */
static void test_two_versions(void)
{
	CHECK("OpenSSL 3.0.17 x\0OpenSSL 3.0.18 x", "?");
	CHECK("OpenSSL 3.0.17 x\0OpenSSL 3.0.1 x", "?");
	CHECK("OpenSSL 3.0.17 x\0LibreSSL 3.0.17 x\0OpenSSL 3.0.17 x", "?");
}

/* Wherever in the file the text is. */
static void test_files(void)
{
	static const char text[] = "\0OpenSSL 3.0.17 1 Jul 2025";
	char version[TARGET_VERSION_MAX];
	size_t bad = 0;

	for (off_t at = (256 << 10) - 64; at < (256 << 10) + 64; at++) {
		int fd = memfd_create("library", MFD_CLOEXEC);

		if (fd < 0 || ftruncate(fd, 1 << 20) ||
		    pwrite(fd, text, sizeof(text), at) != sizeof(text))
			abort();
		library_version_read(fd, version);
		bad += strcmp(version, "OpenSSL 3.0.17") != 0;
		if (pwrite(fd, "\0OpenSSL 3.0.16 x", 17, 1000) != 17)
			abort();
		library_version_read(fd, version);
		bad += version[0] != '\0';
		close(fd);
	}
	INT_EQ(bad, 0);
	library_version_read(-1, version);
	C_STR_EQ(version, "");
}

int main(void)
{
	RUN(test_texts);
	RUN(test_what_is_none);
	RUN(test_two_versions);
	RUN(test_files);
	return tap_done();
}

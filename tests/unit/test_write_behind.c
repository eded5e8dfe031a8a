// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/write_behind.h"
#include "base/writer.h"
#include "tap.h"

enum { MIB = 1 << 20, FILE_LEN = 64 * MIB, PAGE_MAX = FILE_LEN / 4096 };

static char path[] = "/tmp/plaintap-test-XXXXXX";
static uint8_t block[MIB];

/* MiB of the file that are in memory; -1: cannot be known. */
static int cached_mib(int fd)
{
	static unsigned char pages[PAGE_MAX];
	size_t page_len = (size_t)sysconf(_SC_PAGESIZE), cnt = 0;
	void *map = mmap(NULL, FILE_LEN, PROT_READ, MAP_SHARED, fd, 0);
	int r = map == MAP_FAILED ? -1 : mincore(map, FILE_LEN, pages);

	for (size_t i = 0; !r && i < FILE_LEN / page_len; i++)
		cnt += pages[i] & 1;
	if (map != MAP_FAILED)
		munmap(map, FILE_LEN);
	return r ? -1 : (int)(cnt * page_len / MIB);
}

static bool content_is_right(int fd)
{
	static uint8_t got[MIB];
	bool right = true;

	for (int i = 0; i < FILE_LEN / MIB; i++) {
		memset(block, i, MIB);
		right &= pread(fd, got, MIB, (off_t)i * MIB) == MIB && !memcmp(got, block, MIB);
	}
	return right;
}

static void fill(struct writer *w, int fd)
{
	struct write_behind b = { .until = FILE_LEN + 1 };

	for (int i = 0; i < FILE_LEN / MIB; i++) {
		memset(block, i, MIB);
		INT_EQ(write(fd, block, MIB), MIB);
		write_behind(&b, w, fd, (uint64_t)(i + 1) * MIB);
		/* So that nothing is left out. */
		writer_wait(writer_aside(w), writer_newest(writer_aside(w)));
	}
	INT_EQ(b.end, FILE_LEN);
}

static void test_leaves_the_cache(void)
{
	struct writer *w = writer_new(MIB, 0);
	int fd = mkstemp(path);
	struct statfs fs;

	fill(w, fd);
	writer_free(w);
	if (fstatfs(fd, &fs) || fs.f_type == TMPFS_MAGIC || cached_mib(fd) < 0)
		tap_skip("most of it is not in memory", "the folder for temporary files is memory");
	else
		OK_MSG(cached_mib(fd) <= FILE_LEN / MIB / 2, "%d of %d MiB are in memory",
		       cached_mib(fd), FILE_LEN / MIB);
	OK(content_is_right(fd));
	close(fd);
	unlink(path);
}

static void test_may_be_left_out(void)
{
	struct writer *w = writer_new(MIB, 0);
	struct write_behind b = { .until = FILE_LEN };

	write_behind(&b, w, -1, WRITE_BEHIND_PART - 1);
	INT_EQ(writer_newest(writer_aside(w)), 0);
	write_behind(&b, w, -1, 2 * WRITE_BEHIND_PART);
	OK_MSG(b.end == 0, "a descriptor that is not good");
	writer_free(w);
}

/* Only once much in a row took too long, and then for a while. */
static void test_begins_when_it_is_slow(void)
{
	enum { LEN = 256 << 10, FAST_NS = 40000, SLOW_NS = 600000 };
	struct writer *w = writer_new(MIB, 0);
	struct write_behind b = { 0 };

	for (uint64_t at = 0; at < 20 * MIB; at += LEN)
		write_behind_judge(&b, at + LEN, LEN, at % MIB ? SLOW_NS : FAST_NS);
	INT_EQ(b.until, 0);
	write_behind(&b, w, STDIN_FILENO, 20 * MIB);
	INT_EQ(b.end, 0);
	write_behind_judge(&b, 20 * MIB + LEN, LEN, SLOW_NS);
	INT_EQ(b.until, 20 * MIB + LEN + WRITE_BEHIND_KEEP_LEN);
	write_behind_judge(&b, 21 * MIB, LEN, FAST_NS);
	INT_EQ(b.until, 20 * MIB + LEN + WRITE_BEHIND_KEEP_LEN);
	writer_free(w);
}

int main(void)
{
	RUN(test_leaves_the_cache);
	RUN(test_may_be_left_out);
	RUN(test_begins_when_it_is_slow);
	return tap_done();
}

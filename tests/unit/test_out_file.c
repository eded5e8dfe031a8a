// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/out_file.h"
#include "tap.h"

static char dir[] = "/tmp/plaintap-test-XXXXXX";
static char path[64];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static size_t content(const char *name, char *ret, size_t max)
{
	int fd = open(in_dir(name), O_RDONLY);
	ssize_t n = read(fd, ret, max);

	close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static int open_it(struct out_file *f, const char *name, bool force, struct error *err)
{
	return out_file_open(f, AT_FDCWD, in_dir(name), in_dir(name), force, 64, err);
}

static void test_new_file(void)
{
	char got[300], want[300];
	struct out_file f;
	struct stat st;

	INT_EQ(open_it(&f, "new", false, NULL), 0);
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (char)i;
	for (size_t i = 0; i < 50; i++)
		out_file_write(&f, want + i, 1);
	INT_EQ(out_file_write(&f, want + 50, 200), 0);
	INT_EQ(out_file_write(&f, want + 250, 50), 0);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(f.written, 300);
	INT_EQ(content("new", got, sizeof(got)), 300);
	OK(!memcmp(got, want, 300));
	INT_EQ(stat(in_dir("new"), &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
}

static void test_existing_needs_force(void)
{
	struct error err = { 0 };
	struct out_file f;
	struct stat st;
	char got[10];

	chmod(in_dir("new"), 0644);
	INT_EQ(open_it(&f, "new", false, &err), -EEXIST);
	OK_MSG(strstr(err.text, "--force") && strstr(err.text, "/new"), "%s", err.text);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(stat(in_dir("new"), &st), 0);
	INT_EQ(st.st_size, 300);
	INT_EQ(open_it(&f, "new", true, &err), 0);
	out_file_write(&f, "abc", 3);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(content("new", got, sizeof(got)), 3);
	INT_EQ(stat(in_dir("new"), &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
}

static void test_links_are_refused(void)
{
	struct error err = { 0 };
	struct out_file f;
	char target[64];

	snprintf(target, sizeof(target), "%s", in_dir("new"));
	INT_EQ(symlink(target, in_dir("link")), 0);
	INT_EQ(open_it(&f, "link", false, &err), -ELOOP);
	INT_EQ(open_it(&f, "link", true, &err), -ELOOP);
	OK_MSG(strstr(err.text, "-o -") != NULL, "%s", err.text);
	INT_EQ(symlink("nowhere", in_dir("dangling")), 0);
	INT_EQ(open_it(&f, "dangling", true, &err), -ELOOP);
}

static void test_other_errors(void)
{
	struct error err = { 0 };
	struct out_file f;

	INT_EQ(open_it(&f, "no/such", false, &err), -ENOENT);
	OK_MSG(strstr(err.text, "create it first") != NULL, "%s", err.text);
	INT_EQ(mkdir(in_dir("folder"), 0700), 0);
	INT_EQ(open_it(&f, "folder", true, &err), -EISDIR);
	INT_EQ(mkfifo(in_dir("pipe"), 0600), 0);
	INT_EQ(open_it(&f, "pipe", false, &err), -ENXIO);
	INT_EQ(open_it(&f, "new/x", false, &err), -ENOTDIR);
}

static void test_device_is_written_as_it_is(void)
{
	struct out_file f;

	INT_EQ(out_file_open(&f, AT_FDCWD, "/dev/full", "/dev/full", false, 64, NULL), 0);
	INT_EQ(out_file_write(&f, "abc", 3), 0);
	INT_EQ(out_file_mark(&f), 0);
	INT_EQ(out_file_flush(&f), -ENOSPC);
	INT_EQ(out_file_write(&f, "abc", 3), -ENOSPC);
	INT_EQ(f.written, 0);
	INT_EQ(out_file_close(&f), -ENOSPC);
	C_STR_EQ(out_file_reason(-ENOSPC), "the disk is full");
}

/* A file size limit stands for a disk that gets full in the middle of a record. */
static void fill_up(const char *name, size_t batch, bool keep_partial)
{
	struct rlimit old, small;
	struct out_file f;
	int r = 0;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 95;
	INT_EQ(out_file_open(&f, AT_FDCWD, in_dir(name), name, false, batch, NULL), 0);
	f.keep_partial = keep_partial;
	setrlimit(RLIMIT_FSIZE, &small);
	for (int i = 0; i < 20 && !r; i++) {
		r = out_file_write(&f, "0123456789", 10);
		if (!r)
			r = out_file_mark(&f);
	}
	out_file_close(&f);
	setrlimit(RLIMIT_FSIZE, &old);
	INT_EQ(f.error, -EFBIG);
	INT_EQ(f.written, keep_partial ? 95 : 90);
}

static void test_full_disk_ends_after_a_record(void)
{
	char got[200];

	fill_up("batch", 64, false);
	INT_EQ(content("batch", got, sizeof(got)), 90);
	fill_up("one-batch", 4096, false);
	INT_EQ(content("one-batch", got, sizeof(got)), 90);
	fill_up("direct", 4, false);
	INT_EQ(content("direct", got, sizeof(got)), 90);
	fill_up("partial", 64, true);
	INT_EQ(content("partial", got, sizeof(got)), 95);
}

static void test_many_marks(void)
{
	struct out_file f;

	INT_EQ(out_file_open(&f, AT_FDCWD, in_dir("marks"), "marks", false, 4096, NULL), 0);
	for (int i = 0; i < 1000; i++)
		if (out_file_write(&f, "x", 1) < 0 || out_file_mark(&f) < 0)
			break;
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(f.safe, 1000);
	INT_EQ(f.written, 1000);
}

static void test_pause_and_resume(void)
{
	struct out_file f;
	char got[10];

	INT_EQ(open_it(&f, "pause", false, NULL), 0);
	out_file_write(&f, "one", 3);
	INT_EQ(out_file_pause(&f), 0);
	INT_EQ(f.fd, -1);
	INT_EQ(out_file_resume(&f, AT_FDCWD, in_dir("pause")), 0);
	out_file_write(&f, "two", 3);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(content("pause", got, sizeof(got)), 6);
	OK(!memcmp(got, "onetwo", 6));
	INT_EQ(f.written, 6);
}

static int64_t room_behind(const char *name)
{
	struct stat st;

	return stat(in_dir(name), &st) < 0 ? -1 : st.st_blocks * 512 - st.st_size;
}

static bool is_ext4(const char *name)
{
	struct statfs fs;

	return statfs(name, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
}

static void write_parts(struct out_file *f, int cnt)
{
	static const uint8_t part[OUT_FILE_BATCH] = { 1 };

	for (int i = 0; i < cnt; i++)
		out_file_write(f, part, sizeof(part));
}

/* A long file has room ahead of it, until it is closed. */
static void test_room_is_given_back(void)
{
	enum { LONG = OUT_ROOM_PART / OUT_FILE_BATCH, PAGE = 4096 };
	struct out_file f;

	INT_EQ(open_it(&f, "room", false, NULL), 0);
	write_parts(&f, LONG);
	OK_MSG(room_behind("room") <= PAGE, "none for a shorter one");
	write_parts(&f, 1);
	if (is_ext4(dir))
		OK_MSG(room_behind("room") >= OUT_ROOM_PART, "there is");
	write_parts(&f, LONG + LONG / 2);
	OK_MSG(room_behind("room") <= OUT_ROOM_PART, "not more and more");
	INT_EQ(out_file_pause(&f), 0);
	OK_MSG(room_behind("room") <= PAGE, "it is given back");
	INT_EQ(out_file_resume(&f, AT_FDCWD, in_dir("room")), 0);
	write_parts(&f, LONG);
	INT_EQ(out_file_close(&f), 0);
	OK_MSG(room_behind("room") <= PAGE, "and again");
	INT_EQ(f.written, (3 * LONG + LONG / 2 + 1) * OUT_FILE_BATCH);
}

/* What somebody else has appended is not cut off with it. */
static void test_room_is_left_behind_others(void)
{
	struct out_file f;
	struct stat st;
	int fd;

	INT_EQ(open_it(&f, "room", true, NULL), 0);
	write_parts(&f, 2 * OUT_ROOM_PART / OUT_FILE_BATCH);
	fd = open(in_dir("room"), O_WRONLY | O_APPEND);
	INT_EQ(write(fd, "more", 4), 4);
	close(fd);
	INT_EQ(out_file_close(&f), 0);
	INT_EQ(stat(in_dir("room"), &st), 0);
	INT_EQ(st.st_size, 2 * OUT_ROOM_PART + 4);
}

static void clean(void)
{
	static const char *const names[] = { "new",   "link",	   "dangling", "pipe",
					     "batch", "one-batch", "direct",   "partial",
					     "marks", "pause",	   "room" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(in_dir("folder"));
	rmdir(dir);
}

int main(void)
{
	OK(mkdtemp(dir) != NULL);
	RUN(test_new_file);
	RUN(test_existing_needs_force);
	RUN(test_links_are_refused);
	RUN(test_other_errors);
	RUN(test_device_is_written_as_it_is);
	RUN(test_full_disk_ends_after_a_record);
	RUN(test_many_marks);
	RUN(test_pause_and_resume);
	RUN(test_room_is_given_back);
	RUN(test_room_is_left_behind_others);
	clean();
	return tap_done();
}

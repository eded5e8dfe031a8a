// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes go into a batch, batches into the file. Marks remember where records ended that are not
 * all written yet; when a write fails, the file is cut back to the last mark that is.
 */
#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

enum { OUT_FLAGS = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY };

static int say_open_error(struct error *err, int code, const char *shown)
{
	switch (code) {
	case -ENOENT:
		return error_set(err, code, "%s: the folder does not exist: create it first",
				 shown);
	case -ENOTDIR:
		return error_set(err, code, "%s: a part of the path is no folder", shown);
	case -EISDIR:
		return error_set(err, code,
				 "%s is a folder: name a file, or write '%s/' for one file per "
				 "connection",
				 shown, shown);
	case -ELOOP:
		return error_set(err, code,
				 "%s is a symbolic link, which is not followed: name the file "
				 "itself, or use '-o -' for standard output",
				 shown);
	case -EEXIST:
		return error_set(err, code,
				 "%s exists: name another file, or use --force to overwrite it",
				 shown);
	case -ENXIO:
		return error_set(err, code,
				 "%s: nobody reads from this pipe yet: start its reader "
				 "first",
				 shown);
	}
	return error_set_errno(err, code, "cannot write %s", shown);
}

/* What is there already: a device or pipe as it is, a regular file only with `force`. */
static int open_existing(int dirfd, const char *path, bool force, int *ret_fd)
{
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && !force)
		return -EEXIST;
	/* O_NONBLOCK: a pipe without a reader fails instead of waiting. */
	fd = openat(dirfd, path, OUT_FLAGS | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* The name may have changed hands since: what was opened decides. */
	if (S_ISREG(st.st_mode)) {
		if (!force)
			return -EEXIST;
		if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
			return -errno;
	}
	if (fcntl(fd, F_SETFL, 0) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int open_any(int dirfd, const char *path, bool force, int *ret_fd)
{
	int fd = openat(dirfd, path, OUT_FLAGS | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return errno == EEXIST ? open_existing(dirfd, path, force, ret_fd) : -errno;
	*ret_fd = fd;
	return 0;
}

static void start(struct out_file *f, int fd, size_t batch_max)
{
	struct stat st;

	*f = (struct out_file){ .fd = fd };
	f->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	buf_init(&f->buf, batch_max);
}

int out_file_open(struct out_file *f, int dirfd, const char *path, const char *shown, bool force,
		  size_t batch_max, struct error *ret_error)
{
	int fd = -1, r;

	*f = (struct out_file){ .fd = -1 };
	r = open_any(dirfd, path, force, &fd);
	if (r < 0)
		return say_open_error(ret_error, r, shown);
	start(f, fd, batch_max);
	return 0;
}

void out_file_borrow(struct out_file *f, int fd, size_t batch_max)
{
	start(f, fd, batch_max);
	f->borrowed = true;
}

/* Takes what stands after the last complete record back out of the file. */
static void cut_back(struct out_file *f)
{
	uint64_t partial = f->written - f->safe;
	struct stat st;

	if (!f->regular || f->keep_partial || !partial || fstat(f->fd, &st) < 0)
		return;
	/* Only when what was written last is also what the file ends with. */
	if (lseek(f->fd, 0, SEEK_CUR) != st.st_size || (uint64_t)st.st_size < partial)
		return;
	if (ftruncate(f->fd, st.st_size - (off_t)partial) == 0) {
		lseek(f->fd, st.st_size - (off_t)partial, SEEK_SET);
		f->written = f->safe;
	}
}

/* Moves `safe` up to the last mark that is all in the file. */
static void settle_marks(struct out_file *f)
{
	size_t done = 0;

	while (done < f->mark_cnt && f->marks[done] <= f->written)
		f->safe = f->marks[done++];
	f->mark_cnt -= done;
	memmove(f->marks, f->marks + done, f->mark_cnt * sizeof(f->marks[0]));
}

static int fail(struct out_file *f, int code)
{
	f->error = code;
	settle_marks(f);
	cut_back(f);
	buf_reset(&f->buf);
	return code;
}

static int write_all(struct out_file *f, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(f->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			/* A borrowed descriptor that someone else made non-blocking. */
			struct pollfd waiting = { .fd = f->fd, .events = POLLOUT };

			poll(&waiting, 1, -1);
			continue;
		}
		if (n <= 0)
			return fail(f, n < 0 ? -errno : -EIO);
		f->written += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int out_file_flush(struct out_file *f)
{
	int r;

	if (f->error)
		return f->error;
	r = write_all(f, f->buf.data, f->buf.len);
	if (r < 0)
		return r;
	buf_reset(&f->buf);
	settle_marks(f);
	return 0;
}

int out_file_write(struct out_file *f, const void *data, size_t len)
{
	if (f->error)
		return f->error;
	f->accepted += len;
	if (buf_append(&f->buf, data, len) == 0)
		return 0;
	/* The batch is full (or there is no memory for one): write it, then go without a copy. */
	if (out_file_flush(f) < 0)
		return f->error;
	if (len < f->buf.max / 2 && buf_append(&f->buf, data, len) == 0)
		return 0;
	return write_all(f, data, len);
}

int out_file_mark(struct out_file *f)
{
	int r = f->error;

	if (!r && f->mark_cnt == OUT_FILE_MARK_MAX)
		r = out_file_flush(f);
	if (r < 0)
		return r;
	f->marks[f->mark_cnt++] = f->accepted;
	return 0;
}

int out_file_pause(struct out_file *f)
{
	int r = out_file_flush(f);

	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	buf_done(&f->buf);
	return r;
}

int out_file_resume(struct out_file *f, int dirfd, const char *path)
{
	f->fd = openat(dirfd, path, OUT_FLAGS | O_APPEND);
	if (f->fd < 0)
		f->error = -errno;
	return f->error;
}

int out_file_close(struct out_file *f)
{
	int r = f->error;

	if (f->fd >= 0 && f->buf.max) {
		r = out_file_flush(f);
		if (!f->borrowed && close(f->fd) < 0 && !r)
			r = -errno;
	}
	f->fd = -1;
	buf_done(&f->buf);
	return r;
}

const char *out_file_reason(int error)
{
	switch (error) {
	case -ENOSPC:
		return "the disk is full";
	case -EDQUOT:
		return "your disk quota is used up";
	case -EFBIG:
		return "the file has reached the size limit";
	case -EPIPE:
		return "the reader has gone";
	}
	return strerror(-error);
}

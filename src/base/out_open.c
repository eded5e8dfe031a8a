// SPDX-License-Identifier: BSD-2-Clause
#include "out_open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

int out_open_error(struct error *err, int code, const char *shown)
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
	fd = openat(dirfd, path, OUT_OPEN_FLAGS | O_NONBLOCK);
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

int out_open(int dirfd, const char *path, bool force, int *ret_fd)
{
	int fd = openat(dirfd, path, OUT_OPEN_FLAGS | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return errno == EEXIST ? open_existing(dirfd, path, force, ret_fd) : -errno;
	*ret_fd = fd;
	return 0;
}

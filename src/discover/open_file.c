/* SPDX-License-Identifier: BSD-2-Clause */
#include "open_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

int open_regular(const char *path)
{
	CLEANUP_CLOSE int handle = open(path, O_PATH | O_CLOEXEC);
	char again[64];
	struct stat st;
	int fd;

	if (handle < 0)
		return -errno;
	if (fstat(handle, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", handle);
	fd = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int read_file(const char *path, struct buf *b)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t piece[16384];
	int64_t kept;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (;;) {
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		kept = buf_append_cut(b, piece, (size_t)n);
		if (kept < 0)
			return (int)kept;
		if (kept < n)
			return -EFBIG;
	}
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

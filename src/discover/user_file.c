// SPDX-License-Identifier: BSD-2-Clause
#include "user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "open_file.h"

/* How far a path was walked. */
struct way {
	uid_t uid;
	int fd;		/* O_PATH, of what was reached */
	struct stat st; /* of the same */
	bool is_his;	/* it is in, or is, a folder of the user */
};

static bool is_ours(const struct stat *st)
{
	return !st->st_uid || st->st_uid == geteuid();
}

/* Where openat2() is missing, or forbidden by a filter that does not know it. */
static int open_without_openat2(const struct way *w, const char *name, bool follows)
{
	int fd = openat(w->fd, name, O_PATH | O_CLOEXEC | (follows ? 0 : O_NOFOLLOW));
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (!r && w->is_his && st.st_dev != w->st.st_dev)
		r = -EXDEV;
	if (!r && S_ISLNK(st.st_mode))
		r = -ELOOP;
	if (r)
		close(fd);
	return r ? r : fd;
}

static int open_below(const struct way *w, const char *name)
{
	bool follows = !w->is_his && is_ours(&w->st) && !(w->st.st_mode & 022);
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
	long fd;

	if (!follows)
		how.resolve |= RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
	if (w->is_his)
		how.resolve |= RESOLVE_NO_XDEV;
	fd = syscall(SYS_openat2, w->fd, name, &how, sizeof(how));
	if (fd >= 0)
		return (int)fd;
	if (errno == ENOSYS || errno == EPERM)
		return open_without_openat2(w, name, follows);
	return -errno;
}

/* Takes over the descriptor. */
static int reach(struct way *w, int fd)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	if (fd < 0)
		return fd;
	if (fstat(fd, &w->st) < 0)
		return -errno;
	if (w->st.st_uid == w->uid)
		w->is_his = true;
	else if (w->is_his || !is_ours(&w->st))
		return -EPERM;
	return 0;
}

static int step(struct way *w, struct str part)
{
	char name[NAME_MAX + 1];

	if (!part.len)
		return 0;
	if (part.len > NAME_MAX)
		return -ENAMETOOLONG;
	if (str_eq(part, STR_LIT(".")) || str_eq(part, STR_LIT("..")))
		return -EINVAL;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(part));
	return reach(w, open_below(w, name));
}

/* On success w->fd is to be closed, and is the user's. */
static int walk(const char *root, const char *path, uid_t uid, struct way *w)
{
	struct str rest = str_from(path), part;
	int fd = open(root[0] ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	*w = (struct way){ .uid = uid, .fd = -1 };
	r = reach(w, fd < 0 ? -errno : fd);
	while (!r && str_next_part(&rest, '/', &part))
		r = step(w, part);
	if (!r && w->st.st_uid != uid)
		r = -EPERM;
	if (r && w->fd >= 0)
		close(w->fd);
	return r;
}

int user_file_read(const char *root, const char *path, uid_t uid, struct buf *b)
{
	char again[64];
	struct way w;
	int r = walk(root, path, uid, &w);

	if (r)
		return r;
	if (!S_ISREG(w.st.st_mode))
		r = -ENXIO;
	else if (w.st.st_mode & 022)
		r = -EPERM;
	else if ((uint64_t)w.st.st_size > b->max)
		r = -EFBIG;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", w.fd);
	/* It does not wait for a lease that the user holds, either. */
	if (!r)
		r = read_file(again, b);
	close(w.fd);
	return r;
}

int user_folder_open(const char *root, const char *path, uid_t uid)
{
	struct way w;
	int r = walk(root, path, uid, &w);

	if (r)
		return r;
	r = openat(w.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r < 0)
		r = -errno;
	close(w.fd);
	return r;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "exec_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "discover/open_file.h"

enum {
	INTERPRETER_MAX = 8,   /* files in a row; the kernel takes 6 */
	SCRIPT_LINE_MAX = 256, /* bytes of the "#!" line that the kernel looks at */
	RENAMED_MAX = 3,       /* how often a path is tried whose folders are moved meanwhile */
	PAGE_LEN = 4096,       /* or a multiple */
};

int exec_file_read_path(pid_t tid, uint64_t addr, char ret[static PATH_MAX])
{
	size_t done = 0;

	/* Never across the end of a page: what lies behind it may not be there. */
	while (done < PATH_MAX) {
		size_t len = PAGE_LEN - (addr + done) % PAGE_LEN;
		struct iovec to = { ret + done, len < PATH_MAX - done ? len : PATH_MAX - done };
		struct iovec from = { (void *)(uintptr_t)(addr + done), to.iov_len };
		ssize_t n = process_vm_readv(tid, &to, 1, &from, 1, 0);

		if (n <= 0)
			return n < 0 ? -errno : -EFAULT;
		if (memchr(ret + done, '\0', (size_t)n))
			return 0;
		done += (size_t)n;
	}
	return -ENAMETOOLONG;
}

static int read_link(const char *path, char ret[static PATH_MAX])
{
	ssize_t n = readlink(path, ret, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/*
 * An absolute link leads on from the process's root, as it does for the process; and one that each
 * process follows to a place of its own is refused.
 */
static int open_in_root(const char *proc_root, pid_t tid, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	CLEANUP_CLOSE int handle = -1;
	CLEANUP_CLOSE int root = -1;
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/%d/root", proc_root, (int)tid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	for (int i = 0; i < RENAMED_MAX && handle < 0; i++) {
		handle = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (handle < 0 && errno != EAGAIN)
			return -errno;
	}
	if (handle < 0)
		return -EAGAIN;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", handle);
	return open_regular(name);
}

/* What `name` is below the process's root, whose own name is `root`. NULL: it is outside. */
static const char *below_root(const char *name, const char *root)
{
	size_t len = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(name, root, len) || (name[len] && name[len] != '/'))
		return NULL;
	return name + len;
}

static int folder_name(const char *proc_root, pid_t tid, int dir_fd, char ret[static PATH_MAX])
{
	char link[PATH_MAX];

	if (dir_fd == AT_FDCWD)
		snprintf(link, sizeof(link), "%s/%d/cwd", proc_root, (int)tid);
	else
		snprintf(link, sizeof(link), "%s/%d/fd/%d", proc_root, (int)tid, dir_fd);
	return read_link(link, ret);
}

/*
 * By the folder's name, and not by itself: links and ".." must not lead out of the process's root.
 */
static int open_from_folder(const char *proc_root, pid_t tid, int dir_fd, const char *path)
{
	char link[PATH_MAX], root[PATH_MAX], folder[PATH_MAX], whole[PATH_MAX];
	const char *inside;
	int r = folder_name(proc_root, tid, dir_fd, folder);

	snprintf(link, sizeof(link), "%s/%d/root", proc_root, (int)tid);
	if (!r)
		r = read_link(link, root);
	if (r < 0)
		return r;
	inside = below_root(folder, root);
	if (!inside || (*inside && *inside != '/'))
		return -ENOENT;
	if (snprintf(whole, sizeof(whole), "%s/%s", inside, path) >= (int)sizeof(whole))
		return -ENAMETOOLONG;
	return open_in_root(proc_root, tid, whole);
}

/* Is it the name that stands for a descriptor of whoever asks? */
static bool is_descriptor(const char *path, int *ret)
{
	static const char *const folders[] = { "/proc/self/fd/", "/dev/fd/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i]);
		uint64_t fd;

		if (strncmp(path, folders[i], len) || str_to_u64(str_from(path + len), 10, &fd) < 0)
			continue;
		*ret = (int)fd;
		return fd <= INT_MAX;
	}
	return false;
}

int exec_file_open(const char *proc_root, pid_t tid, int dir_fd, const char *path)
{
	char name[PATH_MAX];

	if (!*path || is_descriptor(path, &dir_fd)) {
		snprintf(name, sizeof(name), "%s/%d/fd/%d", proc_root, (int)tid, dir_fd);
		return open_regular(name);
	}
	if (*path == '/')
		return open_in_root(proc_root, tid, path);
	return open_from_folder(proc_root, tid, dir_fd, path);
}

/* 1: a script, with its interpreter; 0: ELF. */
static int read_head(int fd, char ret_interpreter[static PATH_MAX])
{
	char head[SCRIPT_LINE_MAX];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	struct str line;
	size_t len = 0;

	if (n < 0)
		return -errno;
	line = str_make(head, (size_t)n);
	if (str_starts_with(line, STR_LIT("\177ELF")))
		return 0;
	if (!str_starts_with(line, STR_LIT("#!")))
		return -ENOEXEC;
	line = str_trim(str_make(line.p + 2, line.len - 2));
	while (len < line.len && line.p[len] && !strchr(" \t\n", line.p[len]))
		len++;
	if (!len)
		return -ENOEXEC;
	memcpy(ret_interpreter, line.p, len);
	ret_interpreter[len] = '\0';
	return 1;
}

static void take_whole_path(struct exec_file *f)
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	if (!read_link(link, path))
		memcpy(f->path, path, sizeof(path));
}

int exec_file_open_program(const char *proc_root, pid_t tid, int dir_fd, const char *path,
			   struct exec_file *ret)
{
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	for (int i = 0; i < INTERPRETER_MAX; i++) {
		int fd = exec_file_open(proc_root, tid, dir_fd, ret->path);
		int r = fd < 0 ? fd : read_head(fd, ret->path);

		if (!r) {
			ret->fd = fd;
			take_whole_path(ret);
			return 0;
		}
		if (fd >= 0)
			close(fd);
		if (r < 0)
			return r;
		/* An interpreter is looked for from the working folder. */
		dir_fd = AT_FDCWD;
	}
	return -ELOOP;
}

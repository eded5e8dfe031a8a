// SPDX-License-Identifier: BSD-2-Clause
/* A user's files in a tree of our own, and what he might put in their place. */
#include "discover/user_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "file_tree.h"
#include "tap.h"

enum { HIM = 12345, ANOTHER = 12346, MAX = 100 };

#define FILE_PATH "home/him/a/b/file"

static uid_t him;
static bool has_openat2 = true;

static void give(const char *path, uid_t owner)
{
	if (geteuid() == 0 && lchown(tree_at(path), owner, (gid_t)-1))
		abort();
}

/* "home" stays root's, as on a machine. */
static void put_file(void)
{
	tree_put(FILE_PATH, "text");
	give("home/him", him);
	give("home/him/a", him);
	give("home/him/a/b", him);
	give(FILE_PATH, him);
}

static int read_it(const char *path)
{
	struct buf b;
	int r;

	buf_init(&b, MAX);
	r = user_file_read(tree_root, path, him, &b);
	if (!r)
		OK(b.len == 4 && !memcmp(b.data, "text", 4));
	else
		OK_MSG(!b.len, "nothing is read of what is refused");
	buf_done(&b);
	return r;
}

static int read_file_path(void)
{
	return read_it("/" FILE_PATH);
}

static void test_his_own(void)
{
	put_file();
	INT_EQ(read_file_path(), 0);
	INT_EQ(read_it("//home/him//a/b/file/"), 0);
	INT_EQ(read_it("/home/him/a/b/no"), -ENOENT);
	INT_EQ(read_it("/home/him/a/b/file/x"), -ENOTDIR);
	INT_EQ(read_it("/home/him/a/b"), -ENXIO);
	INT_EQ(read_it("/home/him/a/../a/b/file"), -EINVAL);
	INT_EQ(read_it("/home/him/./a/b/file"), -EINVAL);
	/* Folders of his may be open to his group: only he can have made what is his. */
	chmod(tree_at("home/him/a"), 0775);
	INT_EQ(read_file_path(), 0);
}

static void test_writable_by_others(void)
{
	put_file();
	chmod(tree_at(FILE_PATH), 0620);
	INT_EQ(read_file_path(), -EPERM);
	chmod(tree_at(FILE_PATH), 0602);
	INT_EQ(read_file_path(), -EPERM);
	chmod(tree_at(FILE_PATH), 0600);
	INT_EQ(read_file_path(), 0);
}

static void test_another_s(void)
{
	static const char *const parts[] = { "home/him/a", "home/him/a/b", FILE_PATH };

	if (geteuid() != 0) {
		tap_skip("other owners", "only root can give a file away");
		return;
	}
	put_file();
	for (size_t i = 0; i < 3; i++) {
		give(parts[i], ANOTHER);
		INT_EQ(read_file_path(), -EPERM);
		/* Root's is not his, either: it could be a link to something secret. */
		give(parts[i], 0);
		INT_EQ(read_file_path(), -EPERM);
		give(parts[i], him);
	}
	give("home", ANOTHER);
	INT_EQ(read_file_path(), -EPERM);
	give("home", 0);
	INT_EQ(read_file_path(), 0);
}

static void test_no_plain_file(void)
{
	char longer[MAX + 2];

	put_file();
	tree_drop(FILE_PATH);
	OK(mkfifo(tree_at(FILE_PATH), 0600) == 0);
	give(FILE_PATH, him);
	INT_EQ(read_file_path(), -ENXIO);
	tree_drop(FILE_PATH);
	memset(longer, 'x', sizeof(longer));
	longer[MAX + 1] = '\0';
	tree_put(FILE_PATH, longer);
	give(FILE_PATH, him);
	INT_EQ(read_file_path(), -EFBIG);
	/* All holes. */
	OK(truncate(tree_at(FILE_PATH), 1LL << 40) == 0);
	INT_EQ(read_file_path(), -EFBIG);
	tree_drop(FILE_PATH);
}

static void link_to(const char *target, const char *path, uid_t owner)
{
	if (symlink(target, tree_at(path)))
		abort();
	give(path, owner);
}

static void test_links(void)
{
	put_file();
	tree_put("secret", "text");
	tree_drop(FILE_PATH);
	link_to("../../../../secret", FILE_PATH, him);
	INT_EQ(read_file_path(), -ELOOP);
	tree_drop(FILE_PATH);
	put_file();
	/* Not even to his own, and not in the middle. */
	link_to("file", "home/him/a/b/link", him);
	INT_EQ(read_it("/home/him/a/b/link"), -ELOOP);
	link_to("b", "home/him/a/way", him);
	INT_EQ(read_it("/home/him/a/way/file"), -ELOOP);
	/* Where only root can have put it: "/home" may be "/var/home". */
	link_to("home", "moved", 0);
	INT_EQ(read_it("/moved/him/a/b/file"), geteuid() ? -ELOOP : 0);
	tree_drop("moved");
	/* Where everybody could. */
	chmod(tree_root, 01777);
	link_to("home", "moved", him);
	INT_EQ(read_it("/moved/him/a/b/file"), -ELOOP);
	chmod(tree_root, 0700);
	tree_drop("moved");
	tree_drop("home/him/a/b/link");
	tree_drop("home/him/a/way");
	/* A second name for another's file. */
	if (geteuid() == 0) {
		tree_drop(FILE_PATH);
		OK(linkat(AT_FDCWD, tree_at("secret"), AT_FDCWD, "/proc/self/cwd/" FILE_PATH, 0) ==
		   0);
		INT_EQ(read_file_path(), -EPERM);
		tree_drop(FILE_PATH);
	}
}

/* The folders of processes in /proc lead anywhere. */
static void test_magic_links(void)
{
	char path[200];
	struct buf b;
	int r;

	put_file();
	snprintf(path, sizeof(path), "/proc/self/root%s/" FILE_PATH, tree_root);
	buf_init(&b, MAX);
	r = user_file_read("", path, him, &b);
	if (has_openat2)
		INT_EQ(r, -ELOOP);
	else
		OK_MSG(!r || geteuid(), "of root's processes it is root's own: %d", r);
	buf_done(&b);
}

/* He holds a lease: whoever opens the file waits for him, for 45 seconds mostly. */
static void test_lease(void)
{
	int fd;

	put_file();
	fd = open(tree_at(FILE_PATH), O_RDWR | O_CLOEXEC);
	signal(SIGIO, SIG_IGN);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK)) {
		tap_skip("a lease", "none is to be had here");
	} else {
		INT_EQ(read_file_path(), -EAGAIN);
		fcntl(fd, F_SETLEASE, F_UNLCK);
		INT_EQ(read_file_path(), 0);
	}
	close(fd);
}

/* In a child, whose mounts nobody sees: the exit status. */
static int read_below_a_mount(const char *folder)
{
	int r;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("plaintap", tree_at(folder), "tmpfs", 0, NULL))
		return 77;
	put_file();
	r = read_file_path();
	return r == -EXDEV ? 1 : r ? 2 : 0;
}

static int below_a_mount(const char *folder)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(read_below_a_mount(folder));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_mounts(void)
{
	put_file();
	if (geteuid() != 0 || below_a_mount("home") == 77) {
		tap_skip("mounts", "none may be made here");
		return;
	}
	INT_EQ(below_a_mount("home"), 0);
	/* Its root is his first folder. */
	INT_EQ(below_a_mount("home/him"), 0);
	INT_EQ(below_a_mount("home/him/a"), 1);
	INT_EQ(below_a_mount("home/him/a/b"), 1);
}

static void test_folder(void)
{
	struct dirent *entry;
	unsigned cnt = 0;
	DIR *dir;
	int fd;

	put_file();
	fd = user_folder_open(tree_root, "/home/him/a", him);
	dir = fd < 0 ? NULL : fdopendir(fd);
	OK(dir);
	while (dir && (entry = readdir(dir)))
		cnt += !strcmp(entry->d_name, "b");
	INT_EQ(cnt, 1);
	if (dir)
		closedir(dir);
	INT_EQ(user_folder_open(tree_root, "/" FILE_PATH, him), -ENOTDIR);
	INT_EQ(user_folder_open(tree_root, "/home/nobody", him), -ENOENT);
	if (geteuid() == 0)
		INT_EQ(user_folder_open(tree_root, "/home", him), -EPERM);
}

static void run_all(void)
{
	RUN(test_his_own);
	RUN(test_writable_by_others);
	RUN(test_another_s);
	RUN(test_no_plain_file);
	RUN(test_links);
	RUN(test_magic_links);
	RUN(test_lease);
	RUN(test_mounts);
	RUN(test_folder);
}

/* From now on, as on a kernel that has no openat2(). */
static bool lose_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(void)
{
	him = geteuid() ? geteuid() : HIM;
	tree_begin();
	if (chdir(tree_root))
		return 1;
	run_all();
	has_openat2 = !lose_openat2();
	if (!has_openat2)
		run_all();
	else
		tap_skip("without openat2()", "no seccomp filter is to be had here");
	tree_end();
	return tap_done();
}

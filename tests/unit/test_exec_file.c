// SPDX-License-Identifier: BSD-2-Clause
/* A made-up thread 7, whose root, working folder and descriptors lie in a tree of our own. */
#include "discover/exec_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file_tree.h"
#include "tap.h"

#define ELF_HEAD "\177ELF and what else there may be"

static void put_link(const char *to, const char *link)
{
	char path[600];

	snprintf(path, sizeof(path), "%s", tree_at(link));
	if (symlink(to, path) < 0)
		abort();
}

static void put_link_to_tree(const char *to, const char *link)
{
	char path[600];

	snprintf(path, sizeof(path), "%s", tree_at(to));
	put_link(path, link);
}

static void make_thread(void)
{
	tree_put("secret", "outside of its root");
	tree_put("7/fd/unused", "");
	tree_put("fs/bin/prog", ELF_HEAD "prog");
	tree_put("fs/wd/local", ELF_HEAD "local");
	tree_put("fs/etc/text", "no program\n");
	put_link_to_tree("fs", "7/root");
	put_link_to_tree("fs/wd", "7/cwd");
	put_link_to_tree("fs/bin", "7/fd/5");
	put_link_to_tree("fs/bin/prog", "7/fd/6");
	put_link("pipe:[17]", "7/fd/8");
}

/* Is it the file of the tree that `path` means? */
static bool opens(int dir_fd, const char *path, const char *file)
{
	int fd = exec_file_open(tree_root, 7, dir_fd, path);
	struct stat a, b;
	bool same;

	if (fd < 0) {
		tap_note("%s: %s", path, strerror(-fd));
		return false;
	}
	same = !fstat(fd, &a) && !stat(tree_at(file), &b) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
	close(fd);
	return same;
}

static int failure(const char *path)
{
	int fd = exec_file_open(tree_root, 7, AT_FDCWD, path);

	if (fd >= 0)
		close(fd);
	return fd;
}

static void test_paths(void)
{
	OK(opens(AT_FDCWD, "/bin/prog", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "local", "fs/wd/local"));
	OK(opens(AT_FDCWD, "./../bin//prog", "fs/bin/prog"));
	OK(opens(5, "prog", "fs/bin/prog"));
	OK(opens(5, "/bin/prog", "fs/bin/prog"));
	OK(opens(6, "", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "/proc/self/fd/6", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "/dev/fd/6", "fs/bin/prog"));
	INT_EQ(failure("/bin/none"), -ENOENT);
	INT_EQ(failure("none"), -ENOENT);
	INT_EQ(failure(""), -ENOENT);
	INT_EQ(failure("/dev/fd/9"), -ENOENT);
	INT_EQ(failure("/dev/fd/99999999999"), -ENOENT);
	INT_EQ(failure("/bin/prog/x"), -ENOTDIR);
	INT_EQ(failure("/bin"), -EISDIR);
	INT_EQ(exec_file_open(tree_root, 7, 8, "prog"), -ENOENT);
	INT_EQ(exec_file_open(tree_root, 8, AT_FDCWD, "/bin/prog"), -ENOENT);
	INT_EQ(exec_file_open(tree_root, 8, AT_FDCWD, "prog"), -ENOENT);
}

/* As the thread sees them: none leads out of its root. */
static void test_links(void)
{
	put_link("/bin/prog", "fs/wd/absolute");
	put_link("../bin/prog", "fs/wd/relative");
	put_link("/wd/relative", "fs/wd/twice");
	put_link("/bin", "fs/folder");
	put_link("round", "fs/wd/round");
	put_link("../../../../../../../../secret", "fs/wd/out");
	OK(opens(AT_FDCWD, "absolute", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "/wd/relative", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "twice", "fs/bin/prog"));
	OK(opens(AT_FDCWD, "/folder/prog", "fs/bin/prog"));
	INT_EQ(failure("round"), -ELOOP);
	INT_EQ(failure("out"), -ENOENT);
	INT_EQ(failure("/../secret"), -ENOENT);
	INT_EQ(failure("../../secret"), -ENOENT);
}

static void test_folder_outside(void)
{
	char long_path[PATH_MAX];

	tree_put("9/x", "");
	tree_put("fsx/prog", ELF_HEAD);
	put_link_to_tree("fs", "9/root");
	put_link_to_tree("fsx", "9/cwd");
	INT_EQ(exec_file_open(tree_root, 9, AT_FDCWD, "prog"), -ENOENT);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	INT_EQ(failure(long_path), -ENAMETOOLONG);
}

/* A test that waits would be killed by this. */
static void test_not_files(void)
{
	int fd;

	if (mkfifo(tree_at("fs/wd/fifo"), 0600) < 0)
		abort();
	alarm(5);
	INT_EQ(failure("fifo"), -ENXIO);
	tree_put("fs/wd/leased", ELF_HEAD);
	signal(SIGIO, SIG_IGN);
	fd = open(tree_at("fs/wd/leased"), O_RDWR);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
		INT_EQ(failure("leased"), -EAGAIN);
	close(fd);
	INT_EQ(exec_file_open("/proc", getpid(), AT_FDCWD, "/dev/zero"), -ENXIO);
	/* It would be our own. */
	INT_EQ(exec_file_open("/proc", getpid(), AT_FDCWD, "/proc/self/exe"), -ELOOP);
	alarm(0);
}

static int open_program(const char *path, struct exec_file *ret)
{
	int r = exec_file_open_program(tree_root, 7, AT_FDCWD, path, ret);

	if (!r)
		close(ret->fd);
	return r;
}

static bool runs(const char *path, const char *file)
{
	struct exec_file f;

	return !open_program(path, &f) && !strcmp(f.path, tree_at(file));
}

static void put_chain(int len)
{
	char file[64], text[64];

	for (int i = 0; i < len; i++) {
		snprintf(file, sizeof(file), "fs/wd/chain%d", i);
		snprintf(text, sizeof(text), "#!/wd/chain%d\n", i + 1);
		tree_put(file, text);
	}
	snprintf(file, sizeof(file), "fs/wd/chain%d", len);
	tree_put(file, ELF_HEAD);
}

static void test_scripts(void)
{
	static const char *const heads[] = {
		"#!/bin/prog\n",	  "#!/bin/prog",
		"#! \t/bin/prog\t-x y\n", "#!/bin/prog -x",
		"#!/bin/prog\n#!/none\n", "#!../bin/prog\n",
	};
	struct exec_file f;

	OK(runs("/bin/prog", "fs/bin/prog"));
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		tree_put("fs/etc/script", heads[i]);
		OK_MSG(runs("/etc/script", "fs/bin/prog"), "first line %zu", i);
	}
	/* The interpreter is looked for from the working folder, wherever the script lies. */
	tree_put("fs/bin/script", "#!local\n");
	if (INT_EQ(exec_file_open_program(tree_root, 7, 5, "script", &f), 0)) {
		C_STR_EQ(f.path, tree_at("fs/wd/local"));
		close(f.fd);
	}
	put_chain(5);
	OK(runs("chain0", "fs/wd/chain5"));
	put_chain(20);
	INT_EQ(open_program("chain0", &f), -ELOOP);
	tree_put("fs/wd/itself", "#!/wd/itself\n");
	INT_EQ(open_program("itself", &f), -ELOOP);
}

static void test_no_programs(void)
{
	char line[400];
	struct exec_file f;

	INT_EQ(open_program("/etc/text", &f), -ENOEXEC);
	tree_put("fs/etc/empty", "");
	INT_EQ(open_program("/etc/empty", &f), -ENOEXEC);
	tree_put("fs/etc/nameless", "#! \n/bin/prog\n");
	INT_EQ(open_program("/etc/nameless", &f), -ENOEXEC);
	tree_put("fs/etc/gone", "#!/none\n");
	INT_EQ(open_program("/etc/gone", &f), -ENOENT);
	tree_put("fs/etc/pipe", "#!fifo\n");
	INT_EQ(open_program("/etc/pipe", &f), -ENXIO);
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "#!/", 3);
	line[sizeof(line) - 1] = '\0';
	tree_put("fs/etc/long", line);
	INT_EQ(open_program("/etc/long", &f), -ENOENT);
}

static void test_path_in_memory(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, (size_t)page * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	char path[PATH_MAX];

	if (at == MAP_FAILED || munmap(at + 2 * page, (size_t)page) < 0)
		abort();
	/* It ends where the memory ends, and begins in another page. */
	memset(at, 'x', (size_t)page * 2);
	memcpy(at + 2 * page - 5, "/end", 5);
	INT_EQ(exec_file_read_path(getpid(), (uintptr_t)at + (uint64_t)page - 1, path),
	       -ENAMETOOLONG);
	INT_EQ(exec_file_read_path(getpid(), (uintptr_t)at + 2 * (uint64_t)page - 5, path), 0);
	C_STR_EQ(path, "/end");
	memcpy(at + page - 4, "/over/two", sizeof("/over/two"));
	INT_EQ(exec_file_read_path(getpid(), (uintptr_t)at + (uint64_t)page - 4, path), 0);
	C_STR_EQ(path, "/over/two");
	at[2 * page - 1] = 'x';
	INT_EQ(exec_file_read_path(getpid(), (uintptr_t)at + 2 * (uint64_t)page - 5, path),
	       -EFAULT);
	INT_EQ(exec_file_read_path(getpid(), 0, path), -EFAULT);
	INT_EQ(exec_file_read_path(0x7fffffff, (uintptr_t)at, path), -ESRCH);
	munmap(at, (size_t)page * 2);
}

/* Mounts something of its own, tells so, and waits. */
__attribute__((noreturn)) static void child_elsewhere(int ready_fd, const char *folder)
{
	char file[700];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", folder, "tmpfs", 0, NULL) < 0 || chdir(folder) < 0)
		_exit(1);
	snprintf(file, sizeof(file), "%s/prog", folder);
	fd = open(file, O_WRONLY | O_CREAT, 0700);
	if (write(fd, ELF_HEAD, sizeof(ELF_HEAD)) < 0 || write(ready_fd, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void test_other_mounts(void)
{
	char folder[600], file[600], byte;
	int fds[2], fd;
	pid_t pid;

	tree_put("mounts/here", "");
	snprintf(folder, sizeof(folder), "%s", tree_at("mounts"));
	snprintf(file, sizeof(file), "%s", tree_at("mounts/prog"));
	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (!pid)
		child_elsewhere(fds[1], folder);
	close(fds[1]);
	if (read(fds[0], &byte, 1) == 1) {
		OK(access(file, F_OK) < 0);
		fd = exec_file_open("/proc", pid, AT_FDCWD, file);
		OK_MSG(fd >= 0, "what only the other one sees: %d", fd);
		close(fd);
		fd = exec_file_open("/proc", pid, AT_FDCWD, "prog");
		OK_MSG(fd >= 0, "from its folder there: %d", fd);
		close(fd);
	} else {
		tap_skip("other mounts", "this user may not mount");
	}
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	tree_begin();
	make_thread();
	RUN(test_paths);
	RUN(test_links);
	RUN(test_folder_outside);
	RUN(test_not_files);
	RUN(test_scripts);
	RUN(test_no_programs);
	RUN(test_path_in_memory);
	RUN(test_other_mounts);
	tree_end();
	return tap_done();
}

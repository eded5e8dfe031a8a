// SPDX-License-Identifier: BSD-2-Clause
#include "discover/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discover/open_file.h"
#include "tap.h"

/* The loader's own, not a copy that the linker may have made in this program. */
static const struct r_debug *loaders_debug(void)
{
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_DEBUG)
			return (const struct r_debug *)d->d_un.d_ptr;
	abort();
}

static const char *interpreter_of_this_program(void)
{
	static char path[4096];
	const struct r_debug *debug = loaders_debug();

	/* Its name is the path that PT_INTERP gives. */
	for (const struct link_map *map = debug->r_map; map; map = map->l_next)
		if (map->l_addr == debug->r_ldbase && map->l_name[0])
			snprintf(path, sizeof(path), "%s", map->l_name);
	return path;
}

/* The loader of this very program has put both things where the file says. */
static void test_own_loader(void)
{
	int fd = loader_open_of_process("/proc", getpid());
	const struct r_debug *debug = loaders_debug();
	struct loader_hook hook = { 0 };
	struct stat a, b;

	if (!OK_MSG(fd >= 0, "the loader is found: %d", fd))
		return;
	INT_EQ(fstat(fd, &a), 0);
	INT_EQ(stat(interpreter_of_this_program(), &b), 0);
	OK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	INT_EQ(loader_find_hook(fd, &hook, NULL), 0);
	OK(!hook.is_pointer && hook.file_off);
	OK_MSG(debug->r_brk + (uint64_t)(int64_t)hook.distance == (uint64_t)(uintptr_t)debug,
	       "from the function to the struct are %d bytes", hook.distance);
	close(fd);
}

static void test_program(void)
{
	int fd = loader_open_of_program("/bin/sh");
	struct stat a, b;

	if (!OK_MSG(fd >= 0, "the loader of /bin/sh is found: %d", fd))
		return;
	OK(!fstat(fd, &a) && !stat(interpreter_of_this_program(), &b) && a.st_ino == b.st_ino);
	close(fd);
	INT_EQ(loader_open_of_program("/dev/null"), -ENXIO);
	INT_EQ(loader_open_of_process("/proc", 0x7fffffff), -ENOENT);
}

static void test_no_loader(void)
{
	int fd = open_regular("/proc/self/exe");
	struct loader_hook hook;
	struct error e = { 0 };

	INT_EQ(loader_find_hook(fd, &hook, &e), -ENOENT);
	OK(strstr(e.text, "debuggers") != NULL);
	close(fd);
	fd = open_regular("/etc/passwd");
	INT_EQ(loader_find_hook(fd, &hook, &e), -ENOEXEC);
	close(fd);
}

/* A loader that runs as a program is its own, and so it is when its file is gone. */
static void test_deleted(void)
{
	char copy[] = "/tmp/plaintap-loader-XXXXXX", piece[65536];
	int to = mkstemp(copy), from = open_regular(interpreter_of_this_program()), fd, ready[2];
	struct stat want, got;
	ssize_t n;
	pid_t pid;

	while ((n = read(from, piece, sizeof(piece))) > 0)
		OK(write(to, piece, (size_t)n) == n);
	close(from);
	OK(!fchmod(to, 0700) && !fstat(to, &want));
	close(to);
	INT_EQ(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		dup2(ready[1], STDOUT_FILENO);
		execl(copy, copy, "/bin/sh", "-c", "echo x; sleep 60", NULL);
		_exit(1);
	}
	close(ready[1]);
	OK(read(ready[0], piece, 1) == 1);
	unlink(copy);
	fd = loader_open_of_process("/proc", pid);
	OK(fd >= 0 && !fstat(fd, &got) && got.st_ino == want.st_ino && got.st_dev == want.st_dev);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
}

int main(void)
{
	RUN(test_own_loader);
	RUN(test_program);
	RUN(test_no_loader);
	RUN(test_deleted);
	return tap_done();
}

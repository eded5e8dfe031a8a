// SPDX-License-Identifier: BSD-2-Clause
/*
 * Process 1 of the test machine: mounts what programs expect, brings up loopback, loads the kernel
 * modules of /lib/modules, runs the programs of /tests one by one, and powers off. What it prints
 *is read by run.py:
 *
 *	@@ begin <test>
 *	(its TAP)
 *	@@ end <test> <exit status>
 *	@@ done
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of one test; the runner has a longer limit for all. */
enum { TEST_MAX_S = 400 };

static void mount_at(const char *type, const char *where)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, NULL) < 0)
		printf("# init: mounting %s: %m\n", where);
}

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		printf("# init: loopback: %m\n");
	if (fd >= 0)
		close(fd);
}

/* True: it is loaded now. */
static bool load_module(const char *name)
{
	char path[300];
	int fd, r;

	snprintf(path, sizeof(path), "/lib/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, "", 0);
	if (fd >= 0)
		close(fd);
	return r == 0;
}

static int is_module(const struct dirent *e)
{
	return strstr(e->d_name, ".ko") != NULL;
}

/* Which needs which stands nowhere: so all are tried until none more will. */
static void load_modules(void)
{
	struct dirent **list;
	int cnt = scandir("/lib/modules", &list, is_module, alphasort), loaded, total = 0;

	do {
		loaded = 0;
		for (int i = 0; i < cnt; i++)
			loaded += load_module(list[i]->d_name);
		total += loaded;
	} while (loaded);
	for (int i = 0; i < cnt; i++)
		free(list[i]);
	if (cnt >= 0)
		free(list);
	if (cnt > total)
		printf("# init: %d of %d modules loaded: %m\n", total, cnt);
}

/* Kernel threads have none. */
static bool has_program(int pid)
{
	char path[64], exe[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return readlink(path, exe, sizeof(exe)) > 0;
}

static void print_file(int pid_dir, const char *name)
{
	char text[2048];
	int fd = openat(pid_dir, name, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	char *rest = text, *line;

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("#   %s: %s\n", name, line);
}

/* Who is doing what: of a test that hangs. */
static void print_threads(int pid)
{
	static const char *const files[] = { "comm", "syscall", "stack" };
	char path[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY);

		if (e->d_name[0] == '.' || fd < 0)
			continue;
		printf("# thread %s of %d\n", e->d_name, pid);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
			print_file(fd, files[i]);
		close(fd);
	}
	if (dir)
		closedir(dir);
}

static void print_all_threads(void)
{
	struct dirent *e;
	DIR *dir = opendir("/proc");

	while (dir && (e = readdir(dir))) {
		int pid = (int)strtol(e->d_name, NULL, 10);

		if (pid > 1 && has_program(pid))
			print_threads(pid);
	}
	if (dir)
		closedir(dir);
}

/* True: `pid` has ended. Orphans are reaped on the way. */
static bool reap(pid_t pid, int *ret_status)
{
	pid_t ended;
	int status;

	while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
		if (ended == pid) {
			*ret_status = WIFEXITED(status) ? WEXITSTATUS(status)
							: 128 + WTERMSIG(status);
			return true;
		}
	return false;
}

static int wait_for(pid_t pid)
{
	struct timespec left = { .tv_sec = TEST_MAX_S };
	sigset_t child;
	int status = -1;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (!reap(pid, &status))
		if (sigtimedwait(&child, NULL, &left) < 0 && errno == EAGAIN) {
			printf("# init: still running after %d s\n", TEST_MAX_S);
			print_all_threads();
			return 124;
		}
	return status;
}

static int run(const char *path)
{
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		execl(path, path, NULL);
		_exit(127);
	}
	return wait_for(pid);
}

static int is_program(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void run_tests(void)
{
	struct dirent **list;
	int cnt = scandir("/tests", &list, is_program, alphasort);

	for (int i = 0; i < cnt; i++) {
		char path[300];

		snprintf(path, sizeof(path), "/tests/%s", list[i]->d_name);
		printf("@@ begin %s\n", list[i]->d_name);
		printf("@@ end %s %d\n", list[i]->d_name, run(path));
		free(list[i]);
	}
	free(list);
}

int main(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The firmware may have left its cursor in the middle of a line. */
	putchar('\n');
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("tmpfs", "/tmp");
	loopback_up();
	load_modules();
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/tmp", 1);
	/* The loader's cache, which plaintap reads; where there is no such program, none. */
	if (access("/bin/ldconfig", X_OK) == 0)
		run("/bin/ldconfig");
	run_tests();
	printf("@@ done\n");
	sync();
	/* The runner has told the emulator to end on a reboot; a power-off would need ACPI. */
	reboot(RB_AUTOBOOT);
	return 0;
}

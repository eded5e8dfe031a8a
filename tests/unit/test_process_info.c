/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "discover/process_info.h"
#include "model/process.h"
#include "tap.h"

static char root[] = "/tmp/plaintap-test-XXXXXX";

static void put(const char *name, const char *data, size_t len)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/7/%s", root, name);
	out = fopen(path, "w");
	if (!out || fwrite(data, 1, len, out) != len || fclose(out) != 0)
		abort();
}

static void drop(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/7/%s", root, name);
	unlink(path);
}

#define POD	  "1f0c7a9e-3d52-4b61-8c1a-0e9f8d7c6b5a"
#define CONTAINER "4b825dc642cb6eb9a060e54bf8d69288fbee4904aa01b2c3d4e5f60718293a4b"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#define PUT(name, text) put(name, text, sizeof(text) - 1)

static void test_own(void)
{
	struct process *p = process_info_read(getpid());
	char exe[PATH_MAX] = "";
	uint64_t ticks = 0;

	OK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	INT_EQ(p->pid, getpid());
	INT_EQ(p->ppid, getppid());
	INT_EQ(p->uid, getuid());
	C_STR_EQ(p->exe, exe);
	OK(p->cmdline && strstr(p->cmdline, "process_info") && p->comm[0]);
	OK(process_start_time(getpid(), &ticks) == 0 && ticks > 0);
	/* Not in another namespace than the one it looks from. */
	INT_EQ(p->ns_pid, getpid());
	OK(p->cgroup && p->cgroup[0] == '/');
	process_unref(p);
}

/* A child's start is between the clock before the fork and after it. */
static void test_started(void)
{
	enum { TICK_NS = 10000000 };
	uint64_t before = now_ns(), after;
	struct process *p;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	after = now_ns();
	p = process_info_read(pid);
	OK_MSG(p->started_ns + 2 * TICK_NS > before && p->started_ns < after + TICK_NS,
	       "started at %llu, between %llu and %llu", (unsigned long long)p->started_ns,
	       (unsigned long long)before, (unsigned long long)after);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	process_unref(p);
}

static void test_place(void)
{
	struct process *p;

	PUT("status", "PPid:\t42\nNSpid:\t7\t311\t1\n");
	PUT("stat", "7 (x) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 100 1 2\n");
	PUT("cgroup", "0::/system.slice/docker-" CONTAINER ".scope/system.slice/a.service\n");
	p = process_info_read_at(root, 7);
	INT_EQ(p->ns_pid, 1);
	OK(p->started_ns && p->started_ns < now_ns());
	C_STR_EQ(p->cgroup, "/system.slice/docker-" CONTAINER ".scope/system.slice/a.service");
	C_STR_EQ(p->unit, "a.service");
	C_STR_EQ(p->container.id, CONTAINER);
	C_STR_EQ(p->container.runtime, "docker");
	process_unref(p);

	/* A machine with hierarchies of version 1 only: systemd's own tells, or those with a name.
	 */
	PUT("cgroup", "4:memory:/docker/" CONTAINER "\n3:cpu,cpuacct:/docker/" CONTAINER
		      "\n2:freezer:/\n1:name=systemd:/system.slice/containerd.service\n");
	p = process_info_read_at(root, 7);
	C_STR_EQ(p->cgroup, "/docker/" CONTAINER);
	C_STR_EQ(p->container.id, CONTAINER);
	C_STR_EQ(p->container.runtime, "docker");
	OK(!p->unit);
	process_unref(p);
	PUT("cgroup", "12:pids:/system.slice/nginx.service\n4:memory:/system.slice\n"
		      "1:name=systemd:/system.slice/nginx.service\n");
	p = process_info_read_at(root, 7);
	C_STR_EQ(p->cgroup, "/system.slice/nginx.service");
	C_STR_EQ(p->unit, "nginx.service");
	OK(!p->container.id[0]);
	process_unref(p);
	PUT("cgroup", "3:cpuset:/\n2:memory:/kubepods/burstable/pod" POD "/" CONTAINER "\n");
	p = process_info_read_at(root, 7);
	C_STR_EQ(p->container.id, CONTAINER);
	C_STR_EQ(p->container.pod, POD);
	process_unref(p);

	/* In the future, and past all numbers. */
	PUT("stat", "7 (x) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99999999999 1 2\n");
	PUT("status", "NSpid:\n");
	PUT("cgroup", "");
	p = process_info_read_at(root, 7);
	OK(!p->started_ns && !p->ns_pid && !p->cgroup && !p->unit && !p->container.id[0]);
	process_unref(p);
	PUT("stat", "7 (x) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 18446744073709551615 1\n");
	PUT("status", "NSpid:\t7\t99999999999\n");
	p = process_info_read_at(root, 7);
	OK(!p->started_ns && !p->ns_pid);
	process_unref(p);
	drop("cgroup");
}

static void test_made_up(void)
{
	char stat[] = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2\n";
	char long_line[3 * PROCESS_CMDLINE_MAX];
	uint64_t ticks = 0;
	struct process *p;

	PUT("comm", "a) b\n");
	PUT("status", "Name:\ta\nPPid:\t42\nUid:\t1000\t0\t0\t0\n");
	PUT("cmdline", "prog\0--word\0two words\0\0");
	put("stat", stat, sizeof(stat) - 1);
	p = process_info_read_at(root, 7);
	C_STR_EQ(p->comm, "a) b");
	C_STR_EQ(p->cmdline, "prog --word two words");
	INT_EQ(p->ppid, 42);
	INT_EQ(p->uid, 1000);
	OK(p->exe == NULL);
	process_unref(p);
	INT_EQ(process_start_time_at(root, 7, &ticks), 0);
	INT_EQ(ticks, 987654);

	memset(long_line, 'x', sizeof(long_line));
	put("cmdline", long_line, sizeof(long_line));
	p = process_info_read_at(root, 7);
	INT_EQ(strlen(p->cmdline), PROCESS_CMDLINE_MAX - 1);
	process_unref(p);

	PUT("stat", "7 (x) S 1 2");
	INT_EQ(process_start_time_at(root, 7, &ticks), -EBADMSG);
	PUT("stat", "");
	INT_EQ(process_start_time_at(root, 7, &ticks), -EBADMSG);
	PUT("stat", "7 (x)");
	INT_EQ(process_start_time_at(root, 7, &ticks), -EBADMSG);
}

static void test_gone(void)
{
	struct process *p = process_info_read_at(root, 8);
	uint64_t ticks;

	OK(p && p->pid == 8 && p->ppid == 0 && p->uid == (uid_t)-1);
	OK(!p->exe && !p->cmdline && !p->comm[0]);
	INT_EQ(process_start_time_at(root, 8, &ticks), -ESRCH);
	process_unref(p);
}

int main(void)
{
	char folder[64];

	if (!mkdtemp(root))
		abort();
	snprintf(folder, sizeof(folder), "%s/7", root);
	if (mkdir(folder, 0700) < 0)
		abort();
	RUN(test_own);
	RUN(test_started);
	RUN(test_place);
	RUN(test_made_up);
	RUN(test_gone);
	drop("comm");
	drop("status");
	drop("cmdline");
	drop("stat");
	rmdir(folder);
	rmdir(root);
	return tap_done();
}

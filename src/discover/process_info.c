/* SPDX-License-Identifier: BSD-2-Clause */
#include "process_info.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "discover/cgroup.h"
#include "discover/open_file.h"
#include "model/process.h"

enum { SMALL_FILE_MAX = 65536 };

static const uint64_t second_ns = 1000000000;

/* One file of /proc/PID, what fits below b->max of it. */
static int read_entry(const char *proc_root, pid_t pid, const char *name, struct buf *b)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/%d/%s", proc_root, (int)pid, name);
	r = read_file(path, b);
	return r == -EFBIG ? 0 : r;
}

static void read_comm(const char *proc_root, struct process *p)
{
	struct buf b;
	size_t len;

	buf_init(&b, SMALL_FILE_MAX);
	if (read_entry(proc_root, p->pid, "comm", &b) == 0 && b.len > 0) {
		len = b.len - (b.data[b.len - 1] == '\n');
		if (len > sizeof(p->comm) - 1)
			len = sizeof(p->comm) - 1;
		memcpy(p->comm, b.data, len);
		p->comm[len] = '\0';
	}
	buf_done(&b);
}

/* Last number of a line such as "NSpid:\t4711\t7": one for each namespace, from the outermost. */
static bool status_last_number(struct str line, struct str key, uint64_t *ret)
{
	size_t len = 0;

	if (!str_starts_with(line, key))
		return false;
	line = str_trim(line);
	while (len < line.len && line.p[line.len - len - 1] >= '0' &&
	       line.p[line.len - len - 1] <= '9')
		len++;
	return str_to_u64(str_make(line.p + line.len - len, len), 10, ret) == 0;
}

static void read_status(const char *proc_root, struct process *p)
{
	struct str rest, line;
	uint64_t number;
	struct buf b;

	buf_init(&b, SMALL_FILE_MAX);
	if (read_entry(proc_root, p->pid, "status", &b) == 0) {
		rest = str_make(b.data, b.len);
		while (str_next_part(&rest, '\n', &line)) {
			if (str_number_after(line, STR_LIT("PPid:"), &number) && number <= INT_MAX)
				p->ppid = (pid_t)number;
			if (str_number_after(line, STR_LIT("Uid:"), &number) && number < UINT32_MAX)
				p->uid = (uid_t)number;
			if (status_last_number(line, STR_LIT("NSpid:"), &number) &&
			    number <= INT_MAX)
				p->ns_pid = (pid_t)number;
		}
	}
	buf_done(&b);
}

static void read_exe(const char *proc_root, struct process *p)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%d/exe", proc_root, (int)p->pid);
	n = readlink(path, target, sizeof(target));
	if (n > 0)
		p->exe = str_dup(str_make(target, (size_t)n));
}

/* Arguments end in NUL each; a program may also have written a title of its own there. */
static void read_cmdline(const char *proc_root, struct process *p)
{
	struct buf b;

	buf_init(&b, PROCESS_CMDLINE_MAX - 1);
	if (read_entry(proc_root, p->pid, "cmdline", &b) == 0) {
		while (b.len > 0 && b.data[b.len - 1] == '\0')
			b.len--;
		for (size_t i = 0; i < b.len; i++) {
			if (b.data[i] == '\0')
				b.data[i] = ' ';
		}
		if (b.len > 0)
			p->cmdline = str_dup(str_make(b.data, b.len));
	}
	buf_done(&b);
}

static void read_cgroup(const char *proc_root, struct process *p)
{
	struct cgroup cgroup;
	struct buf b;

	buf_init(&b, SMALL_FILE_MAX);
	if (read_entry(proc_root, p->pid, "cgroup", &b) == 0) {
		cgroup_parse(str_make(b.data, b.len), &cgroup);
		p->cgroup = cgroup.path.len ? str_dup(cgroup.path) : NULL;
		p->unit = cgroup.unit.len ? str_dup(cgroup.unit) : NULL;
		p->container = cgroup.container;
	}
	buf_done(&b);
}

static void read_started(const char *proc_root, struct process *p)
{
	uint64_t ticks, per_second = (uint64_t)sysconf(_SC_CLK_TCK), ns;
	uint64_t since_boot = clock_ns(CLOCK_BOOTTIME);

	if (process_start_time_at(proc_root, p->pid, &ticks) < 0 || !per_second)
		return;
	/* The kernel's figure may be anything in a made-up file, but not later than now. */
	if (__builtin_mul_overflow(ticks, second_ns / per_second, &ns) || ns > since_boot)
		return;
	p->started_ns = clock_ns(CLOCK_REALTIME) - (since_boot - ns);
}

static int read_status_number(const char *proc_root, pid_t pid, struct str key, pid_t *ret)
{
	struct str rest, line;
	uint64_t number;
	struct buf b;
	int r;

	buf_init(&b, SMALL_FILE_MAX);
	r = read_entry(proc_root, pid, "status", &b);
	rest = str_make(b.data, b.len);
	if (r == 0)
		r = -EBADMSG;
	while (r == -EBADMSG && str_next_part(&rest, '\n', &line))
		if (str_number_after(line, key, &number) && number <= INT_MAX) {
			*ret = (pid_t)number;
			r = 0;
		}
	buf_done(&b);
	return r == -ENOENT ? -ESRCH : r;
}

int process_parent(const char *proc_root, pid_t pid, pid_t *ret)
{
	return read_status_number(proc_root, pid, STR_LIT("PPid:"), ret);
}

int process_leader(const char *proc_root, pid_t pid, pid_t *ret)
{
	return read_status_number(proc_root, pid, STR_LIT("Tgid:"), ret);
}

struct process *process_info_read_at(const char *proc_root, pid_t pid)
{
	struct process *p = process_new(pid);

	if (!p)
		return NULL;
	read_comm(proc_root, p);
	read_status(proc_root, p);
	read_exe(proc_root, p);
	read_cmdline(proc_root, p);
	read_cgroup(proc_root, p);
	read_started(proc_root, p);
	return p;
}

struct process *process_info_read(pid_t pid)
{
	return process_info_read_at("/proc", pid);
}

void process_info_read_own(struct process *p)
{
	struct process now = { .pid = p->pid };

	read_status("/proc", &now);
	p->ns_pid = now.ns_pid;
	read_started("/proc", p);
}

/* Field 22 of /proc/PID/stat; the 2nd one is the name, which may hold spaces and parentheses. */
static int parse_start_time(struct str stat, uint64_t *ret)
{
	struct str rest, field = {};
	size_t end = stat.len;

	while (end > 0 && stat.p[end - 1] != ')')
		end--;
	if (end == 0 || end + 1 >= stat.len)
		return -EBADMSG;
	rest = str_trim(str_make(stat.p + end + 1, stat.len - end - 1));
	for (int i = 3; i <= 22; i++) {
		if (!str_next_part(&rest, ' ', &field))
			return -EBADMSG;
	}
	return str_to_u64(field, 10, ret) < 0 ? -EBADMSG : 0;
}

int process_start_time_at(const char *proc_root, pid_t pid, uint64_t *ret_ticks)
{
	struct buf b;
	int r;

	buf_init(&b, SMALL_FILE_MAX);
	r = read_entry(proc_root, pid, "stat", &b);
	if (r == 0)
		r = parse_start_time(str_make(b.data, b.len), ret_ticks);
	buf_done(&b);
	return r == -ENOENT ? -ESRCH : r;
}

int process_start_time(pid_t pid, uint64_t *ret_ticks)
{
	return process_start_time_at("/proc", pid, ret_ticks);
}

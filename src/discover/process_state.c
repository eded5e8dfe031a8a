// SPDX-License-Identifier: BSD-2-Clause
#include "process_state.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "discover/open_file.h"

enum {
	TEXT_MAX = 4 << 20,
	SOCKET_MAX = 4096, /* of one process */
	HTTPS_PORT = 443,
	TCP_ESTABLISHED = 1,
	STAT_FLAGS_INDEX = 6, /* words of /proc/PID/stat between the name and the task's flags */
	FLAG_EXITING = 0x4,   /* the kernel's PF_ flags */
	FLAG_KTHREAD = 0x200000,
};

struct process_dir {
	const char *proc_root;
	pid_t pid;
};

static void take_name(struct str line, struct process_state *s)
{
	struct str name = str_trim(str_make(line.p + 5, line.len - 5));

	snprintf(s->comm, sizeof(s->comm), "%.*s", STR_FMT(name));
}

void process_state_parse_status(struct str text, struct process_state *s)
{
	struct str line;
	uint64_t n;

	s->seccomp = -1;
	while (str_next_part(&text, '\n', &line)) {
		if (str_starts_with(line, STR_LIT("Name:")))
			take_name(line, s);
		else if (str_starts_with(line, STR_LIT("State:")))
			s->has_ended = str_starts_with(str_trim(str_make(line.p + 6, line.len - 6)),
						       STR_LIT("Z")) ||
				       str_starts_with(str_trim(str_make(line.p + 6, line.len - 6)),
						       STR_LIT("X"));
		else if (str_number_after(line, STR_LIT("Tgid:"), &n) && n <= INT_MAX)
			s->leader = (pid_t)n;
		else if (str_number_after(line, STR_LIT("Seccomp:"), &n) && n <= 2)
			s->seccomp = (int)n;
	}
}

static int read_entry(const struct process_dir *d, const char *name, struct buf *b)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/%s", d->proc_root, (int)d->pid, name);
	return read_file(path, b);
}

/*
 * "pid (name) state ppid pgrp session tty tpgid flags …". Kernels before 6.7 do not say "Kthread:",
 * and that there is no executable is also true of a process that is just ending.
 */
void process_state_parse_stat(struct str text, struct process_state *s)
{
	struct str word = { 0 };
	uint64_t flags;
	size_t name_end = text.len;

	while (name_end && text.p[name_end - 1] != ')')
		name_end--;
	text = str_trim(str_make(text.p + name_end, text.len - name_end));
	for (int i = 0; i <= STAT_FLAGS_INDEX; i++)
		if (!str_next_part(&text, ' ', &word))
			return;
	if (str_to_u64(word, 10, &flags) < 0)
		return;
	s->is_kernel_thread = flags & FLAG_KTHREAD;
	s->has_ended = s->has_ended || flags & FLAG_EXITING;
}

static void look_at_flags(const struct process_dir *d, struct process_state *s)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (read_entry(d, "stat", &b) == 0)
		process_state_parse_stat(str_make(b.data, b.len), s);
	buf_done(&b);
}

static void look_at_program(const struct process_dir *d, struct process_state *s)
{
	unsigned char ident[EI_NIDENT] = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/exe", d->proc_root, (int)d->pid);
	CLEANUP_CLOSE int fd = open_regular(path);

	if (fd >= 0 && pread(fd, ident, sizeof(ident), 0) == sizeof(ident))
		s->is_32bit = !memcmp(ident, ELFMAG, SELFMAG) && ident[EI_CLASS] == ELFCLASS32;
}

static bool differs(const struct process_dir *d, const char *ns)
{
	char path[PATH_MAX], own[64], its[64];
	ssize_t own_len, its_len;

	snprintf(path, sizeof(path), "%s/self/ns/%s", d->proc_root, ns);
	own_len = readlink(path, own, sizeof(own));
	snprintf(path, sizeof(path), "%s/%d/ns/%s", d->proc_root, (int)d->pid, ns);
	its_len = readlink(path, its, sizeof(its));
	return own_len > 0 && its_len > 0 &&
	       !str_eq(str_make(own, (size_t)own_len), str_make(its, (size_t)its_len));
}

/* "0100007F:1F90"; only the port is of interest. */
static bool port_of(struct str address, unsigned *ret)
{
	int64_t at = str_find(address, ':');
	uint64_t port;

	if (at < 0 ||
	    str_to_u64(str_make(address.p + at + 1, address.len - (size_t)at - 1), 16, &port) < 0 ||
	    port > UINT16_MAX)
		return false;
	*ret = (unsigned)port;
	return true;
}

int net_socket_next(struct str *rest, struct net_socket *ret)
{
	struct net_socket s = { 0 };
	struct str line, word, words[10];
	uint64_t state;
	size_t cnt = 0;

	if (!str_next_part(rest, '\n', &line))
		return 0;
	while (cnt < 10 && str_next_part(&line, ' ', &word))
		if (word.len)
			words[cnt++] = word;
	/* slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode */
	if (cnt < 10 || !port_of(words[1], &s.local_port) || !port_of(words[2], &s.remote_port) ||
	    str_to_u64(words[3], 16, &state) < 0 || state > UINT8_MAX ||
	    str_to_u64(words[9], 10, &s.ino) < 0)
		return -EBADMSG;
	s.state = (unsigned)state;
	*ret = s;
	return 1;
}

bool ktls_stat_in_use(struct str text)
{
	struct str line;
	uint64_t n;

	while (str_next_part(&text, '\n', &line))
		if (str_starts_with(line, STR_LIT("TlsCurr")))
			for (size_t i = 0; i < line.len; i++)
				if (line.p[i] == ' ' || line.p[i] == '\t') {
					if (str_to_u64(str_trim(str_make(line.p + i, line.len - i)),
						       10, &n) == 0 &&
					    n)
						return true;
					break;
				}
	return false;
}

static size_t own_sockets(const struct process_dir *d, uint64_t *to, bool *ret_known)
{
	char path[PATH_MAX], target[64];
	struct dirent *entry;
	size_t cnt = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/fd", d->proc_root, (int)d->pid);
	dir = opendir(path);
	*ret_known = dir != NULL;
	while (dir && cnt < SOCKET_MAX && (entry = readdir(dir))) {
		const size_t head = sizeof("socket:[") - 1;
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));

		if (len > (ssize_t)head + 1 && !memcmp(target, "socket:[", head) &&
		    str_to_u64(str_make(target + head, (size_t)len - head - 1), 10, &to[cnt]) == 0)
			cnt++;
	}
	if (dir)
		closedir(dir);
	return cnt;
}

static bool is_own(const uint64_t *own, size_t cnt, uint64_t ino)
{
	for (size_t i = 0; i < cnt; i++)
		if (own[i] == ino)
			return true;
	return false;
}

/* How many of its sockets are in that table, and speak to the port (0: any, connected). */
static unsigned count_sockets(const struct process_dir *d, const char *table, unsigned port,
			      const uint64_t *own, size_t own_cnt)
{
	struct net_socket s;
	unsigned cnt = 0;
	struct str rest;
	struct buf b;
	int r;

	buf_init(&b, TEXT_MAX);
	read_entry(d, table, &b);
	rest = str_make(b.data, b.len);
	while ((r = net_socket_next(&rest, &s)) != 0) {
		if (r < 0 || !is_own(own, own_cnt, s.ino))
			continue;
		cnt += port ? s.local_port == port || s.remote_port == port
			    : s.state == TCP_ESTABLISHED;
	}
	buf_done(&b);
	return cnt;
}

static void look_at_sockets(const struct process_dir *d, struct process_state *s)
{
	uint64_t own[SOCKET_MAX];
	size_t cnt = own_sockets(d, own, &s->sockets_known);
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (cnt) {
		s->tcp_cnt = count_sockets(d, "net/tcp", 0, own, cnt) +
			     count_sockets(d, "net/tcp6", 0, own, cnt);
		s->quic_cnt = count_sockets(d, "net/udp", HTTPS_PORT, own, cnt) +
			      count_sockets(d, "net/udp6", HTTPS_PORT, own, cnt);
	}
	if (read_entry(d, "net/tls_stat", &b) == 0)
		s->ktls_in_use = ktls_stat_in_use(str_make(b.data, b.len));
	buf_done(&b);
}

void process_state_read_at(const char *proc_root, pid_t pid, struct process_state *ret)
{
	const struct process_dir d = { proc_root, pid };
	struct buf b;

	*ret = (struct process_state){ .leader = pid, .seccomp = -1 };
	buf_init(&b, TEXT_MAX);
	if (read_entry(&d, "status", &b) == 0 && b.len) {
		ret->exists = true;
		process_state_parse_status(str_make(b.data, b.len), ret);
	}
	buf_done(&b);
	if (ret->exists)
		look_at_flags(&d, ret);
	if (!ret->exists || ret->has_ended)
		return;
	look_at_program(&d, ret);
	ret->other_mount_ns = differs(&d, "mnt");
	ret->other_pid_ns = differs(&d, "pid");
	look_at_sockets(&d, ret);
}

void process_state_read(pid_t pid, struct process_state *ret)
{
	process_state_read_at("/proc", pid, ret);
}

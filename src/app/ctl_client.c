// SPDX-License-Identifier: BSD-2-Clause
#include "ctl_client.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

enum { ANSWER_SECONDS = 10, PIECE_LEN = 4096 };

static int open_socket(const char *path)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP_CLOSE int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int read_answer(int fd, struct buf *answer)
{
	char piece[PIECE_LEN];
	ssize_t n;

	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		int r = buf_append(answer, piece, (size_t)n);

		if (r < 0)
			return r;
	}
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

/* Takes the first line off: "ok" or "error". */
static int judge(const char *path, struct buf *answer, struct error *ret_error)
{
	struct str text = str_make(answer->data, answer->len);

	if (str_starts_with(text, STR_LIT("ok\n"))) {
		buf_consume(answer, 3);
		return 0;
	}
	if (!str_starts_with(text, STR_LIT("error\n")))
		return error_set(ret_error, -EPROTO,
				 "%s: no answer; only root and the user that plaintap runs as get "
				 "one",
				 path);
	text = str_make(text.p + 6, text.len - 6);
	if (text.len && text.p[text.len - 1] == '\n')
		text.len--;
	return error_set(ret_error, -EPROTO, "%.*s", STR_FMT(text));
}

int ctl_ask(const char *path, const char *order, struct buf *answer, struct error *ret_error)
{
	CLEANUP_CLOSE int fd = open_socket(path);
	char line[256];
	int len, r = 0;

	if (fd < 0)
		return error_set_errno(ret_error, fd, "cannot reach a plaintap at %s", path);
	len = snprintf(line, sizeof(line), "%s\n", order);
	if (len >= (int)sizeof(line))
		return error_set(ret_error, -E2BIG, "the order is too long");
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		r = -errno;
	if (!r)
		r = read_answer(fd, answer);
	if (r < 0)
		return error_set_errno(ret_error, r, "%s: no answer", path);
	return judge(path, answer, ret_error);
}

/* Of a plaintap that was killed. */
static void remove_dead(const char *path, pid_t pid)
{
	if (kill(pid, 0) < 0 && errno == ESRCH)
		unlink(path);
}

static bool is_alive(const char *folder, pid_t pid)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%d.sock", folder, (int)pid);
	fd = open_socket(path);
	if (fd >= 0)
		close(fd);
	if (fd == -ECONNREFUSED)
		remove_dead(path, pid);
	return fd >= 0;
}

size_t ctl_find(const char *folder, pid_t *ret_pids, size_t max)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t cnt = 0;

	while (dir && cnt < max && (entry = readdir(dir))) {
		struct str name = str_from(entry->d_name);
		int64_t dot = str_find(name, '.');
		uint64_t pid;

		if (dot < 0 || strcmp(entry->d_name + dot, ".sock") != 0 ||
		    str_to_u64(str_make(name.p, (size_t)dot), 10, &pid) < 0 || pid > INT_MAX)
			continue;
		if (is_alive(folder, (pid_t)pid))
			ret_pids[cnt++] = (pid_t)pid;
	}
	if (dir)
		closedir(dir);
	return cnt;
}

// SPDX-License-Identifier: BSD-2-Clause
/* A server and its peers in one thread: nothing here may wait for the other side. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/ctl_client.h"
#include "app/ctl_socket.h"
#include "tap.h"

static char dir[] = "/tmp/plaintap-ctl-XXXXXX";
static char path[100];
static struct ctl_socket *server;
static uint64_t now_ns = 1000000000;
static unsigned order_cnt;
static char last_order[CTL_LINE_MAX];
static size_t answer_len;

static int obey(void *user, struct str order, struct buf *answer, struct error *ret_error)
{
	order_cnt++;
	snprintf(last_order, sizeof(last_order), "%.*s", STR_FMT(order));
	if (str_eq(order, STR_LIT("fail")))
		return error_set(ret_error, -EINVAL, "no such luck");
	for (size_t i = 0; i < answer_len; i++)
		if (buf_append_byte(answer, 'x') < 0)
			return -ENOBUFS;
	return buf_append_str(answer, "done\n");
}

static void serve(void)
{
	for (int i = 0; i < 4; i++) {
		now_ns += 2000000;
		ctl_socket_serve(server, now_ns, obey, NULL);
	}
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	OK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static void say(int fd, const void *text, size_t len)
{
	INT_EQ(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* What has been answered so far; "" with *ret_end: nothing, and there will be no more. */
static const char *hear(int fd, bool *ret_end)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	*ret_end = !n || (n < 0 && errno == ECONNRESET);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void expect(int fd, const char *want)
{
	bool end;
	const char *got = hear(fd, &end);

	C_STR_EQ(got, want);
}

static void expect_end(int fd)
{
	bool end;
	const char *got = hear(fd, &end);

	C_STR_EQ(got, "");
	OK(end);
	close(fd);
}

static void test_open(void)
{
	struct ctl_socket *other = NULL;
	struct error err = { 0 };
	struct stat st;
	char taken[220];

	snprintf(path, sizeof(path), "%s/a.sock", dir);
	INT_EQ(ctl_socket_open(path, &server, &err), 0);
	INT_EQ(stat(path, &st), 0);
	INT_EQ(st.st_mode & 0777, 0600);
	INT_EQ(ctl_socket_open(path, &other, &err), -EADDRINUSE);
	OK(strstr(err.text, path) != NULL);
	INT_EQ(stat(path, &st), 0);
	snprintf(taken, sizeof(taken), "%s/file", dir);
	close(open(taken, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	INT_EQ(ctl_socket_open(taken, &other, &err), -EEXIST);
	INT_EQ(unlink(taken), 0);
	memset(taken, 'a', sizeof(taken) - 1);
	taken[sizeof(taken) - 1] = '\0';
	INT_EQ(ctl_socket_open(taken, &other, &err), -ENAMETOOLONG);
	OK(!other);
	serve();
	INT_EQ(order_cnt, 0);
}

static void test_order(void)
{
	int fd = dial();

	say(fd, "status\nstatus\n", 14);
	serve();
	INT_EQ(order_cnt, 1);
	C_STR_EQ(last_order, "status");
	expect(fd, "ok\ndone\n");
	expect_end(fd);
	fd = dial();
	say(fd, "fail\n", 5);
	serve();
	expect(fd, "error\nno such luck\n");
	expect_end(fd);
}

static void test_byte_by_byte(void)
{
	static const char line[] = "add-pid 12\n";
	int fd = dial();

	order_cnt = 0;
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		INT_EQ(order_cnt, 0);
		say(fd, line + i, 1);
		serve();
	}
	C_STR_EQ(last_order, "add-pid 12");
	expect(fd, "ok\ndone\n");
	expect_end(fd);
}

static void test_garbage(void)
{
	char noise[CTL_LINE_MAX];
	int fd = dial();

	order_cnt = 0;
	memset(noise, '\377', sizeof(noise));
	say(fd, noise, sizeof(noise));
	serve();
	expect(fd, "error\nan order has at most 255 bytes\n");
	expect_end(fd);
	INT_EQ(order_cnt, 0);
	/* One that leaves in the middle of a line, and one that leaves at once. */
	fd = dial();
	say(fd, "stat", 4);
	close(fd);
	close(dial());
	serve();
	INT_EQ(order_cnt, 0);
}

static void test_silent(void)
{
	int fd = dial();
	bool end;

	serve();
	now_ns += CTL_TIMEOUT_NS / 2;
	serve();
	hear(fd, &end);
	OK(!end);
	now_ns += CTL_TIMEOUT_NS / 2;
	serve();
	expect_end(fd);
}

/* More than there is room for: they wait, and are served when the silent ones are cut off. */
static void test_many(void)
{
	int fds[CTL_CLIENT_MAX + 3];

	order_cnt = 0;
	for (size_t i = 0; i < CTL_CLIENT_MAX + 3; i++)
		fds[i] = dial();
	serve();
	for (size_t i = CTL_CLIENT_MAX; i < CTL_CLIENT_MAX + 3; i++)
		say(fds[i], "status\n", 7);
	serve();
	INT_EQ(order_cnt, 0);
	now_ns += CTL_TIMEOUT_NS;
	serve();
	serve();
	INT_EQ(order_cnt, 3);
	for (size_t i = 0; i < CTL_CLIENT_MAX; i++)
		expect_end(fds[i]);
	for (size_t i = CTL_CLIENT_MAX; i < CTL_CLIENT_MAX + 3; i++) {
		expect(fds[i], "ok\ndone\n");
		close(fds[i]);
	}
}

/* A peer that does not read its answer is cut off; another is served meanwhile. */
static void test_unread_answer(void)
{
	int fd = dial(), other;

	answer_len = CTL_ANSWER_MAX - 100;
	say(fd, "status\n", 7);
	serve();
	answer_len = 0;
	other = dial();
	say(other, "status\n", 7);
	serve();
	expect(other, "ok\ndone\n");
	expect_end(other);
	now_ns += CTL_TIMEOUT_NS;
	serve();
	close(fd);
	/* An answer that is too long is none. */
	answer_len = CTL_ANSWER_MAX;
	fd = dial();
	say(fd, "status\n", 7);
	serve();
	expect(fd, "error\nit failed\n");
	expect_end(fd);
	answer_len = 0;
}

/*
 * In a process of its own, as ctl_ask() waits; here we serve until it ends. The server's time
 * passes no faster than the child's: else it would give up one that waits for a processor.
 */
static int ask_from_child(const char *order, uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err = { 0 };
		struct buf answer;
		int r;

		if (uid && (chmod(dir, 0755) < 0 || chmod(path, 0666) < 0 || setuid(uid) < 0))
			_exit(99);
		buf_init(&answer, CTL_ANSWER_MAX);
		r = ctl_ask(path, order, &answer, &err);
		if (!r && answer.len == 5 && !memcmp(answer.data, "done\n", 5))
			_exit(0);
		_exit(strstr(err.text, "no such luck") ? 1 : 2);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		usleep(1000);
		now_ns += 1000000;
		ctl_socket_serve(server, now_ns, obey, NULL);
	}
	return WEXITSTATUS(status);
}

static void test_client(void)
{
	INT_EQ(ask_from_child("status", 0), 0);
	INT_EQ(ask_from_child("fail", 0), 1);
	order_cnt = 0;
	if (getuid() != 0) {
		tap_skip("another user", "needs root to become one");
		return;
	}
	/* Though the modes would let it in. */
	INT_EQ(ask_from_child("status", 65534), 2);
	INT_EQ(order_cnt, 0);
}

static void test_close(void)
{
	struct stat st;

	ctl_socket_close(server);
	ctl_socket_close(NULL);
	INT_EQ(stat(path, &st), -1);
}

/* The usual place: found by pid, dead ones are removed, a folder of others is refused. */
static void test_folder(void)
{
	char folder[220], file[260];
	struct ctl_socket *s = NULL;
	struct error err = { 0 };
	struct stat st;
	pid_t pids[4];
	pid_t dead = fork();

	snprintf(folder, sizeof(folder), "%s/run", dir);
	if (dead == 0) {
		if (ctl_socket_open_in(folder, &s, NULL) < 0)
			_exit(1);
		_exit(0);
	}
	waitpid(dead, NULL, 0);
	INT_EQ(ctl_socket_open_in(folder, &s, &err), 0);
	INT_EQ(stat(folder, &st), 0);
	INT_EQ(st.st_mode & 0777, 0700);
	snprintf(file, sizeof(file), "%s/%d.sock", folder, (int)dead);
	INT_EQ(stat(file, &st), 0);
	INT_EQ(ctl_find(folder, pids, 4), 1);
	INT_EQ(pids[0], getpid());
	INT_EQ(stat(file, &st), -1);
	ctl_socket_close(s);
	INT_EQ(ctl_find(folder, pids, 4), 0);
	INT_EQ(chmod(folder, 0770), 0);
	INT_EQ(ctl_socket_open_in(folder, &s, &err), -EPERM);
	OK(strstr(err.text, folder) != NULL);
	rmdir(folder);
	INT_EQ(ctl_find(folder, pids, 4), 0);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	RUN(test_open);
	RUN(test_order);
	RUN(test_byte_by_byte);
	RUN(test_garbage);
	RUN(test_silent);
	RUN(test_many);
	RUN(test_unread_answer);
	RUN(test_client);
	RUN(test_close);
	RUN(test_folder);
	rmdir(dir);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include "ctl_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { SERVE_INTERVAL_NS = 1000000, BACKLOG = 16 };

struct ctl_client {
	int fd; /* -1: free */
	uint64_t give_up_ns;
	char line[CTL_LINE_MAX];
	size_t line_len;
	struct buf answer;
	bool has_answer;
};

struct ctl_socket {
	int listen_fd, epoll_fd;
	struct sockaddr_un address;
	uint64_t served_ns;
	bool is_full; /* the listening descriptor is not being waited for */
	struct ctl_client clients[CTL_CLIENT_MAX];
};

/* --- opening --- */

static int folder_make(const char *folder, struct error *ret_error)
{
	struct stat st;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return error_set_errno(ret_error, -errno, "cannot make %s", folder);
	if (lstat(folder, &st) < 0)
		return error_set_errno(ret_error, -errno, "cannot look at %s", folder);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return error_set(ret_error, -EPERM,
				 "%s must be a folder of plaintap's own user, mode 0700", folder);
	return 0;
}

/* Is anybody listening there? 0; -ECONNREFUSED: nobody. */
static int try_connect(const struct sockaddr_un *address)
{
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	return connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
}

static int clear_place(const struct sockaddr_un *address, struct error *ret_error)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(ret_error, -EEXIST, "--ctl %s: that is a file; name another path",
				 address->sun_path);
	if (try_connect(address) != -ECONNREFUSED)
		return error_set(ret_error, -EADDRINUSE,
				 "--ctl %s: another program listens there; name another path",
				 address->sun_path);
	unlink(address->sun_path);
	return 0;
}

static int watch(struct ctl_socket *s, int fd, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(s->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

/* Nobody can connect before the mode is right: only listen() lets them. */
static int listen_at(struct ctl_socket *s)
{
	const struct sockaddr *address = (const struct sockaddr *)&s->address;
	mode_t before = umask(0177);
	int r = bind(s->listen_fd, address, sizeof(s->address)) < 0 ? -errno : 0;

	umask(before);
	if (!r && listen(s->listen_fd, BACKLOG) < 0)
		r = -errno;
	return r ? r : watch(s, s->listen_fd, EPOLLIN, EPOLL_CTL_ADD);
}

static int open_at(const char *path, struct ctl_socket **ret, struct error *ret_error)
{
	struct ctl_socket *s;
	int r;

	if (strlen(path) >= sizeof(s->address.sun_path))
		return error_set(ret_error, -ENAMETOOLONG,
				 "--ctl %s: too long for a socket; at most %zu bytes", path,
				 sizeof(s->address.sun_path) - 1);
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_set_errno(ret_error, -ENOMEM, "--ctl %s", path);
	for (size_t i = 0; i < CTL_CLIENT_MAX; i++)
		s->clients[i].fd = -1;
	s->address.sun_family = AF_UNIX;
	memcpy(s->address.sun_path, path, strlen(path));
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = s->epoll_fd < 0 || s->listen_fd < 0 ? -errno : 0;
	if (r < 0)
		error_set_errno(ret_error, r, "--ctl %s: cannot make a socket", path);
	else
		r = clear_place(&s->address, ret_error);
	if (r < 0) {
		s->address.sun_path[0] = '\0';
	} else {
		r = listen_at(s);
		if (r < 0)
			error_set_errno(ret_error, r, "--ctl %s: cannot listen there", path);
	}
	if (r < 0) {
		ctl_socket_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

int ctl_socket_open_in(const char *folder, struct ctl_socket **ret, struct error *ret_error)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int r = folder_make(folder, ret_error);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/%d.sock", folder, (int)getpid());
	return open_at(path, ret, ret_error);
}

int ctl_socket_open(const char *path, struct ctl_socket **ret, struct error *ret_error)
{
	return path ? open_at(path, ret, ret_error)
		    : ctl_socket_open_in(CTL_FOLDER, ret, ret_error);
}

static void client_done(struct ctl_socket *s, struct ctl_client *c)
{
	if (c->fd < 0)
		return;
	close(c->fd);
	buf_done(&c->answer);
	*c = (struct ctl_client){ .fd = -1 };
	if (s->is_full && watch(s, s->listen_fd, EPOLLIN, EPOLL_CTL_ADD) == 0)
		s->is_full = false;
}

void ctl_socket_close(struct ctl_socket *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CTL_CLIENT_MAX; i++)
		client_done(s, &s->clients[i]);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->address.sun_path[0])
		unlink(s->address.sun_path);
	free(s);
}

int ctl_socket_fd(const struct ctl_socket *s)
{
	return s->epoll_fd;
}

const char *ctl_socket_path(const struct ctl_socket *s)
{
	return s->address.sun_path;
}

/* --- serving --- */

static bool may_order(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static struct ctl_client *client_by_fd(struct ctl_socket *s, int fd)
{
	for (size_t i = 0; i < CTL_CLIENT_MAX; i++)
		if (s->clients[i].fd == fd)
			return &s->clients[i];
	return NULL;
}

/* With all places taken the others wait, and do not wake us again and again. */
static void accept_clients(struct ctl_socket *s, uint64_t now_ns)
{
	struct ctl_client *c;

	while ((c = client_by_fd(s, -1))) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		if (!may_order(fd) || watch(s, fd, EPOLLIN, EPOLL_CTL_ADD) < 0) {
			close(fd);
			continue;
		}
		*c = (struct ctl_client){ .fd = fd, .give_up_ns = now_ns + CTL_TIMEOUT_NS };
		buf_init(&c->answer, CTL_ANSWER_MAX);
	}
	if (!epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->listen_fd, NULL))
		s->is_full = true;
}

static int say_error(struct ctl_client *c, const struct error *err)
{
	buf_reset(&c->answer);
	return buf_printf(&c->answer, "error\n%s\n", err->text[0] ? err->text : "it failed");
}

static int answer(struct ctl_client *c, ctl_order_fn fn, void *user)
{
	const char *end = memchr(c->line, '\n', c->line_len);
	struct error err = { 0 };
	int r;

	c->has_answer = true;
	if (!end) {
		error_set(&err, -E2BIG, "an order has at most %d bytes", CTL_LINE_MAX - 1);
		return say_error(c, &err);
	}
	r = buf_append_str(&c->answer, "ok\n");
	if (!r)
		r = fn(user, str_make(c->line, (size_t)(end - c->line)), &c->answer, &err);
	return r < 0 ? say_error(c, &err) : 0;
}

/* False: the connection is done. */
static bool take_line(struct ctl_client *c, ctl_order_fn fn, void *user)
{
	ssize_t n = recv(c->fd, c->line + c->line_len, sizeof(c->line) - c->line_len, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		return false;
	c->line_len += (size_t)n;
	if (c->line_len < sizeof(c->line) && !memchr(c->line, '\n', c->line_len))
		return true;
	return answer(c, fn, user) == 0;
}

/* False: all of it is sent, or never will be. */
static bool send_answer(struct ctl_client *c)
{
	ssize_t n = send(c->fd, c->answer.data, c->answer.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&c->answer, (size_t)n);
	return c->answer.len > 0;
}

static void serve_client(struct ctl_socket *s, struct ctl_client *c, ctl_order_fn fn, void *user)
{
	bool goes_on = true;

	if (!c->has_answer)
		goes_on = take_line(c, fn, user);
	if (goes_on && c->has_answer) {
		goes_on = send_answer(c);
		if (goes_on)
			goes_on = watch(s, c->fd, EPOLLOUT, EPOLL_CTL_MOD) == 0;
	}
	if (!goes_on)
		client_done(s, c);
}

void ctl_socket_serve(struct ctl_socket *s, uint64_t now_ns, ctl_order_fn fn, void *user)
{
	struct epoll_event events[CTL_CLIENT_MAX + 1];
	int cnt;

	if (now_ns - s->served_ns < SERVE_INTERVAL_NS)
		return;
	s->served_ns = now_ns;
	cnt = epoll_wait(s->epoll_fd, events, CTL_CLIENT_MAX + 1, 0);
	for (int i = 0; i < cnt; i++) {
		struct ctl_client *c = client_by_fd(s, events[i].data.fd);

		if (c)
			serve_client(s, c, fn, user);
		else if (events[i].data.fd == s->listen_fd)
			accept_clients(s, now_ns);
	}
	for (size_t i = 0; i < CTL_CLIENT_MAX; i++)
		if (s->clients[i].fd >= 0 && now_ns >= s->clients[i].give_up_ns)
			client_done(s, &s->clients[i]);
}

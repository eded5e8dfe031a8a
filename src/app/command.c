// SPDX-License-Identifier: BSD-2-Clause
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

void command_init(struct command *c)
{
	*c = (struct command){ .go_fd = -1, .fail_fd = -1 };
}

/* What plaintap changed for itself must not be inherited. */
static void restore_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static ssize_t read_retry(int fd, void *to, size_t len)
{
	ssize_t n;

	do
		n = read(fd, to, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static void write_retry(int fd, const void *from, size_t len)
{
	while (write(fd, from, len) < 0 && errno == EINTR)
		;
}

__attribute__((noreturn)) static void run_child(int go_fd, int fail_fd, const char *path,
						char **argv)
{
	char byte;
	int err;

	restore_signals();
	/* plaintap has gone before it let us go: there is nobody to tell. */
	if (read_retry(go_fd, &byte, 1) != 1)
		_exit(127);
	execv(path, argv);
	err = errno;
	write_retry(fail_fd, &err, sizeof(err));
	_exit(127);
}

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

int command_start(struct command *c, const char *path, char **argv, struct error *ret_error)
{
	int go[2], fail[2], r;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return error_set_errno(ret_error, -errno, "cannot run %s: no pipe", argv[0]);
	if (pipe2(fail, O_CLOEXEC) < 0) {
		r = -errno;
		close_pair(go);
		return error_set_errno(ret_error, r, "cannot run %s: no pipe", argv[0]);
	}
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(fail[0]);
		run_child(go[0], fail[1], path, argv);
	}
	r = -errno;
	close(go[0]);
	close(fail[1]);
	c->go_fd = go[1];
	c->fail_fd = fail[0];
	if (pid < 0) {
		command_done(c);
		return error_set_errno(ret_error, r, "cannot run %s", argv[0]);
	}
	c->pid = pid;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int command_go(struct command *c, struct error *ret_error)
{
	int err = 0;

	write_retry(c->go_fd, "g", 1);
	close_fd(&c->go_fd);
	/* Ends without a byte when the program has taken the child's place. */
	if (read_retry(c->fail_fd, &err, sizeof(err)) != sizeof(err))
		err = 0;
	close_fd(&c->fail_fd);
	if (err)
		return error_set_errno(ret_error, -err, "the kernel does not run it");
	return 0;
}

void command_reap(struct command *c)
{
	int status;

	if (!c->pid || c->ended || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->ended = true;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void command_done(struct command *c)
{
	bool waiting = c->go_fd >= 0;

	close_fd(&c->go_fd);
	close_fd(&c->fail_fd);
	if (waiting && c->pid)
		waitpid(c->pid, NULL, 0);
}

// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/command.h"
#include "tap.h"

static void start(struct command *c, const char *script)
{
	const char *shell[] = { "sh", "-c", script, NULL };
	struct error err = { 0 };

	command_init(c);
	INT_EQ(command_start(c, "/bin/sh", (char **)shell, &err), 0);
}

/* Waits for the end and leaves the status to be taken. */
static void wait_for_end(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
}

static bool runs_this_test(pid_t pid)
{
	char link[64], own[512] = "", its[512] = "";

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	return readlink("/proc/self/exe", own, sizeof(own) - 1) > 0 &&
	       readlink(link, its, sizeof(its) - 1) > 0 && !strcmp(own, its);
}

static int status_of(const char *script)
{
	struct command c;
	int status;

	start(&c, script);
	INT_EQ(command_go(&c, NULL), 0);
	wait_for_end(c.pid);
	command_reap(&c);
	OK(c.ended);
	status = c.status;
	command_done(&c);
	return status;
}

static void test_waits_until_it_is_let_go(void)
{
	struct error err = { 0 };
	struct command c;

	start(&c, "exit 3");
	OK(c.pid > 0);
	command_reap(&c);
	OK(!c.ended);
	OK_MSG(runs_this_test(c.pid), "it is not the program yet");
	INT_EQ(command_go(&c, &err), 0);
	wait_for_end(c.pid);
	OK(!c.ended);
	command_reap(&c);
	OK(c.ended);
	INT_EQ(c.status, 3);
	command_reap(&c);
	INT_EQ(c.status, 3);
	command_done(&c);
}

static void test_status(void)
{
	INT_EQ(status_of("exit 0"), 0);
	INT_EQ(status_of("exit 255"), 255);
	INT_EQ(status_of("kill -KILL $$"), 128 + SIGKILL);
}

/* What plaintap does to its own signals is none of the program's business. */
static void test_signals_are_as_they_were(void)
{
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	INT_EQ(status_of("kill -TERM $$; exit 0"), 128 + SIGTERM);
	INT_EQ(status_of("kill -PIPE $$; exit 0"), 128 + SIGPIPE);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void cannot_run(const char *path, int code)
{
	const char *argv[] = { "it", NULL };
	struct error err = { 0 };
	struct command c;

	command_init(&c);
	INT_EQ(command_start(&c, path, (char **)argv, &err), 0);
	INT_EQ(command_go(&c, &err), code);
	OK_MSG(strstr(err.text, strerror(-code)) != NULL, "says why: %s", err.text);
	wait_for_end(c.pid);
	command_reap(&c);
	INT_EQ(c.status, 127);
	command_done(&c);
}

static void test_a_program_that_cannot_be_run(void)
{
	cannot_run("/nonexistent/program", -ENOENT);
	cannot_run("/", -EACCES);
	cannot_run("/proc/self/status/x", -ENOTDIR);
}

static void test_given_up_before_it_was_let_go(void)
{
	struct command c;

	start(&c, "exit 3");
	command_done(&c);
	OK_MSG(kill(c.pid, 0) < 0 && errno == ESRCH, "ended and taken");
	command_init(&c);
	command_done(&c);
}

/* As when plaintap is killed. */
static void test_ends_with_plaintap(void)
{
	struct command c;

	start(&c, "exit 3");
	close(c.go_fd);
	wait_for_end(c.pid);
	command_reap(&c);
	OK(c.ended);
	INT_EQ(c.status, 127);
	c.go_fd = -1;
	command_done(&c);
}

/* It was killed while it waited: there is no program to blame. */
static void test_killed_while_it_waits(void)
{
	struct command c;

	start(&c, "exit 3");
	kill(c.pid, SIGKILL);
	wait_for_end(c.pid);
	INT_EQ(command_go(&c, NULL), 0);
	command_reap(&c);
	INT_EQ(c.status, 128 + SIGKILL);
	command_done(&c);
}

int main(void)
{
	/* As the program does. */
	signal(SIGPIPE, SIG_IGN);
	RUN(test_waits_until_it_is_let_go);
	RUN(test_status);
	RUN(test_signals_are_as_they_were);
	RUN(test_a_program_that_cannot_be_run);
	RUN(test_given_up_before_it_was_let_go);
	RUN(test_ends_with_plaintap);
	RUN(test_killed_while_it_waits);
	return tap_done();
}

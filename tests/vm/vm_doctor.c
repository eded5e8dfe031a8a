// SPDX-License-Identifier: BSD-2-Clause
/*
 * plaintap doctor on this kernel: it finds the features of the table, and counts the calls of
 * tls_pair exactly. Counting has no fallback, so it must do on the oldest kernel as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/tap.h"
#include "expect.h"

static char report[65536];

/* Both sides of two threads write three times. */
static int run_doctor(void)
{
	size_t len = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execl("/bin/plaintap", "plaintap", "doctor", "--json", "--seconds", "100", "--",
		      "/bin/tls_pair", "--size", "20000", "--count", "3", "--threads", "2", NULL);
		_exit(127);
	}
	close(fds[1]);
	while (len < sizeof(report) - 1 &&
	       (n = read(fds[0], report + len, sizeof(report) - 1 - len)) > 0)
		len += (size_t)n;
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_text(const char *text)
{
	OK_MSG(strstr(report, text) != NULL, "said: %s", text);
}

static void test_counts(void)
{
	const char *write;

	INT_EQ(run_doctor(), 0);
	expect_text("\"would_work\":true");
	expect_text("\"id\":\"calls.some\",\"level\":\"ok\"");
	write = strstr(report, "\"role\":\"write\"");
	write = write ? strstr(write, "\"hits\":") : NULL;
	OK_MSG(write && !strncmp(write, "\"hits\":12}", 10), "12 writes are counted: %.20s",
	       write ? write : report);
}

static void test_features(void)
{
	const struct expected_kernel *k = expected_here();
	char text[128];

	if (!OK_MSG(k != NULL, "the kernel is in the table"))
		return;
	for (int i = 0; i < FEATURE_CNT; i++) {
		snprintf(text, sizeof(text), "\"id\":\"kernel.%s\",\"level\":\"%s\"",
			 feature_name(i), k->has[i] ? "ok" : "note");
		expect_text(text);
	}
}

int main(void)
{
	RUN(test_counts);
	RUN(test_features);
	return tap_done();
}

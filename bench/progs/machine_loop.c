// SPDX-License-Identifier: BSD-2-Clause
/*
 * A load generator without TLS: what the rest of a machine does all the time. It prints the mean
 * nanoseconds of one.
 *
 *	machine_loop calls COUNT     a system call that does nothing
 *	machine_loop receives COUNT  a recv of 100 bytes from TCP that leaves them there
 *	machine_loop starts COUNT    /bin/true from its start to its end
 */
#include <netinet/in.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum { RECEIVED_LEN = 100 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static int call_one(void)
{
	return syscall(SYS_getppid) < 0;
}

static int ends[2];
static char received[RECEIVED_LEN];

static int connect_ends(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(ends[0], (struct sockaddr *)&at, len) < 0)
		return -1;
	ends[1] = accept(listener, NULL, NULL);
	close(listener);
	return send(ends[0], received, sizeof(received), 0) == (ssize_t)sizeof(received) ? 0 : -1;
}

static int receive_one(void)
{
	return recv(ends[1], received, sizeof(received), MSG_PEEK) != (ssize_t)sizeof(received);
}

static int start_one(void)
{
	char *argv[] = { (char *)"/bin/true", NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, argv + 1))
		return 1;
	return waitpid(pid, &status, 0) < 0 || status;
}

static const struct {
	const char *name;
	int (*one)(void);
} kinds[] = { { "calls", call_one }, { "receives", receive_one }, { "starts", start_one } };

int main(int argc, char **argv)
{
	int (*one)(void) = NULL;
	uint64_t cnt, start;

	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			one = kinds[i].one;
	if (!one || str_to_u64(str_from(argv[2]), 10, &cnt) < 0 || !cnt) {
		fprintf(stderr, "usage: machine_loop calls|receives|starts COUNT\n");
		return 2;
	}
	if (one == receive_one && connect_ends() < 0)
		return 1;
	start = now_ns();
	for (uint64_t i = 0; i < cnt; i++)
		if (one())
			return 1;
	printf("%.3f\n", (double)(now_ns() - start) / (double)cnt);
	return 0;
}

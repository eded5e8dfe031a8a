// SPDX-License-Identifier: BSD-2-Clause
/*
 * A load generator without TLS: what the rest of a machine does all the time. It prints the mean
 * nanoseconds of one.
 *
 *	machine_loop calls COUNT     a system call that does nothing
 *	machine_loop starts COUNT    /bin/true from its start to its end
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

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

static int start_one(void)
{
	char *argv[] = { (char *)"/bin/true", NULL };
	int status;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, argv + 1))
		return 1;
	return waitpid(pid, &status, 0) < 0 || status;
}

int main(int argc, char **argv)
{
	bool starts = argc == 3 && !strcmp(argv[1], "starts");
	uint64_t cnt, start;

	if (argc != 3 || str_to_u64(str_from(argv[2]), 10, &cnt) < 0 || !cnt) {
		fprintf(stderr, "usage: machine_loop calls|starts COUNT\n");
		return 2;
	}
	start = now_ns();
	for (uint64_t i = 0; i < cnt; i++)
		if (starts ? start_one() : call_one())
			return 1;
	printf("%.3f\n", (double)(now_ns() - start) / (double)cnt);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "return_probe_check.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

enum { SYS_URETPROBE = 335, ERRNO_OF_FILTER = EUCLEAN };

/* How the child says what it saw. A call from anywhere but a return probe is punished by SIGILL. */
enum { SAW_ENOSYS = 10, SAW_FILTER, SAW_OTHER, SAW_SIGILL };

static int filter_it(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_URETPROBE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ERRNO_OF_FILTER),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? -errno : 0;
}

__attribute__((noreturn)) static void child(bool with_filter)
{
	struct rlimit no_core = { 0, 0 };
	long r;

	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGILL, SIG_DFL);
	if (with_filter && filter_it() < 0)
		_exit(SAW_OTHER);
	r = syscall(SYS_URETPROBE);
	if (r < 0 && errno == ENOSYS)
		_exit(SAW_ENOSYS);
	_exit(r < 0 && errno == ERRNO_OF_FILTER ? SAW_FILTER : SAW_OTHER);
}

static int see(bool with_filter)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return SAW_OTHER;
	if (!pid)
		child(with_filter);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return SAW_OTHER;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGILL ? SAW_SIGILL : SAW_OTHER;
	return WEXITSTATUS(status);
}

enum return_probe_fate return_probe_check(void)
{
	int plain = see(false), filtered;

	if (plain == SAW_ENOSYS)
		return RETURN_PROBE_NO_SYSCALL;
	if (plain != SAW_SIGILL)
		return RETURN_PROBE_NOT_KNOWN;
	filtered = see(true);
	if (filtered == SAW_SIGILL)
		return RETURN_PROBE_EXEMPT;
	return filtered == SAW_FILTER ? RETURN_PROBE_FILTERED : RETURN_PROBE_NOT_KNOWN;
}

#else

enum return_probe_fate return_probe_check(void)
{
	return RETURN_PROBE_NO_SYSCALL;
}

#endif

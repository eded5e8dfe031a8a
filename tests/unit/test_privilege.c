// SPDX-License-Identifier: BSD-2-Clause
/* Children that give up capabilities, and what they are then told. */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/privilege.h"
#include "tap.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

static bool keep_only(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32) },
	};

	return syscall(SYS_capset, &head, data) == 0;
}

/* What a child with only these capabilities is told; false when it cannot have them. */
static bool ask_with(uint64_t caps, struct error *ret)
{
	int fds[2], status;
	bool good;
	pid_t pid;

	if (pipe(fds) < 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct error err = { 0 };

		if (!keep_only(caps))
			_exit(2);
		err.code = privilege_check(&err);
		_exit(write(fds[1], &err, sizeof(err)) == sizeof(err) ? 0 : 1);
	}
	close(fds[1]);
	good = pid > 0 && read(fds[0], ret, sizeof(*ret)) == sizeof(*ret);
	close(fds[0]);
	waitpid(pid, &status, 0);
	return good;
}

static bool names(const struct error *err, const char *cap)
{
	return strstr(err->text, cap) != NULL;
}

static void check(const char *what, uint64_t caps, bool bpf, bool perfmon, bool ptrace)
{
	struct error err = { 0 };

	if (!ask_with(caps, &err)) {
		tap_skip(what, "these capabilities cannot be had here");
		return;
	}
	tap_note("%s: %s", what, err.text);
	INT_EQ(err.code, bpf || perfmon || ptrace ? -EPERM : 0);
	INT_EQ(names(&err, "CAP_BPF"), bpf);
	INT_EQ(names(&err, "CAP_PERFMON"), perfmon);
	INT_EQ(names(&err, "CAP_SYS_PTRACE"), ptrace);
	OK(!err.code || names(&err, "sudo"));
}

static void test_each_missing_one_is_named(void)
{
	uint64_t admin = CAP_BIT(CAP_SYS_ADMIN), ptrace = CAP_BIT(CAP_SYS_PTRACE);
	uint64_t bpf = CAP_BIT(CAP_BPF), perfmon = CAP_BIT(CAP_PERFMON);

	check("none", 0, true, true, true);
	check("all three", bpf | perfmon | ptrace, false, false, false);
	check("no CAP_BPF", perfmon | ptrace, true, false, false);
	check("no CAP_PERFMON", bpf | ptrace, false, true, false);
	check("no CAP_SYS_PTRACE", bpf | perfmon, false, false, true);
	check("CAP_SYS_ADMIN stands for two", admin | ptrace, false, false, false);
	check("CAP_SYS_ADMIN alone", admin, false, false, true);
}

int main(void)
{
	RUN(test_each_missing_one_is_named);
	return tap_done();
}

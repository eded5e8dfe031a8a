// SPDX-License-Identifier: BSD-2-Clause
#include "privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int effective_capabilities(uint64_t *ret)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*ret = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

static bool has(uint64_t caps, unsigned cap)
{
	return caps >> cap & 1;
}

static void add_name(char *list, size_t size, const char *name)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? ", " : "", name);
}

int privilege_check(struct error *ret_error)
{
	char missing[128] = "";
	uint64_t caps = 0;
	int r = effective_capabilities(&caps);

	if (r < 0)
		return error_set_errno(ret_error, r, "cannot read plaintap's own capabilities");
	if (!has(caps, CAP_SYS_ADMIN)) {
		if (!has(caps, CAP_BPF))
			add_name(missing, sizeof(missing), "CAP_BPF");
		if (!has(caps, CAP_PERFMON))
			add_name(missing, sizeof(missing), "CAP_PERFMON");
	}
	if (!has(caps, CAP_SYS_PTRACE))
		add_name(missing, sizeof(missing), "CAP_SYS_PTRACE");
	if (!missing[0])
		return 0;
	return error_set(
		ret_error, -EPERM,
		"no permission to trace: missing %s; run plaintap as root (sudo plaintap …)",
		missing);
}

int privileges_read(struct privileges *ret)
{
	uint64_t caps = 0;
	int r = effective_capabilities(&caps);

	if (r < 0)
		return r;
	*ret = (struct privileges){
		.bpf = has(caps, CAP_BPF),
		.perfmon = has(caps, CAP_PERFMON),
		.sys_ptrace = has(caps, CAP_SYS_PTRACE),
		.sys_admin = has(caps, CAP_SYS_ADMIN),
		.sys_resource = has(caps, CAP_SYS_RESOURCE),
	};
	return 0;
}

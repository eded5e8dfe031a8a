// SPDX-License-Identifier: BSD-2-Clause
#include "links.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

/* bpf_attr of BPF_LINK_CREATE with a uprobe multi (kernel 6.6), as include/uapi/linux/bpf.h has it.
 */
struct uprobe_multi_attr {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t cnt;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad32;
};

enum { UPROBE_MULTI_RETURN = 1 };

/* bpf_attr of BPF_LINK_CREATE with a perf event (kernel 5.15). */
struct perf_link_attr {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t cookie;
};

enum { ATTACH_TYPE_PERF_EVENT = 41 };

static int sys_link_create(const void *attr, size_t size)
{
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, size);

	return fd < 0 ? -errno : fd;
}

int link_uprobe_multi(int prog_fd, unsigned type, bool at_return, const struct link_places *places)
{
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = type,
		.path = (uint64_t)(uintptr_t)places->path,
		.offsets = (uint64_t)(uintptr_t)places->offsets,
		.cookies = (uint64_t)(uintptr_t)places->cookies,
		.cnt = places->cnt,
		.multi_flags = at_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (uint32_t)places->pid,
	};

	return sys_link_create(&attr, sizeof(attr));
}

bool link_uprobe_multi_works(int prog_fd, unsigned type)
{
	uint64_t zero = 0;
	struct link_places folder = { .path = "/", .offsets = &zero, .cookies = &zero, .cnt = 1 };

	/* A kernel that knows the link says that a folder has no code; another says EINVAL. */
	return link_uprobe_multi(prog_fd, type, false, &folder) == -EBADF;
}

static int read_small_file(const char *path, char *text, size_t size)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	if (len < 0)
		return -errno;
	text[len] = '\0';
	return 0;
}

/* The kernel's number for "uprobe" events. */
static int uprobe_pmu_type(uint32_t *ret)
{
	char text[32];
	uint64_t type;
	int r = read_small_file("/sys/bus/event_source/devices/uprobe/type", text, sizeof(text));

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	r = str_to_u64(str_from(text), 10, &type);
	if (r < 0)
		return r;
	*ret = (uint32_t)type;
	return 0;
}

/* Which bit of config says "return probe": "config:0" on all kernels so far. */
enum { UPROBE_RETURN_BIT = 0 };

/* Of a process's threads the event counts one only, but the program behind it sees all. */
static int perf_uprobe_open(const struct link_places *place, bool at_return)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	int fd, r;

	r = uprobe_pmu_type(&attr.type);
	if (r < 0)
		return r;
	attr.config = at_return ? 1u << UPROBE_RETURN_BIT : 0;
	attr.config1 = (uint64_t)(uintptr_t)place->path;
	attr.config2 = place->offsets[0];
	fd = (int)syscall(SYS_perf_event_open, &attr, place->pid ? place->pid : -1,
			  place->pid ? -1 : 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int perf_set_program(int event_fd, int prog_fd)
{
	if (ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd) < 0)
		return -errno;
	if (ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return -errno;
	return 0;
}

/* The event stays open through the link. */
static int perf_link_cookie(int event_fd, int prog_fd, uint64_t cookie)
{
	struct perf_link_attr attr = {
		.prog_fd = (uint32_t)prog_fd,
		.target_fd = (uint32_t)event_fd,
		.attach_type = ATTACH_TYPE_PERF_EVENT,
		.cookie = cookie,
	};
	int link_fd = sys_link_create(&attr, sizeof(attr));

	if (link_fd < 0)
		return link_fd;
	if (ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		int r = -errno;

		close(link_fd);
		return r;
	}
	return link_fd;
}

int link_perf_uprobe(int prog_fd, const struct link_places *place, bool at_return, bool has_cookie)
{
	CLEANUP_CLOSE int event_fd = perf_uprobe_open(place, at_return);
	int r;

	if (event_fd < 0)
		return event_fd;
	if (has_cookie)
		return perf_link_cookie(event_fd, prog_fd, place->cookies[0]);
	r = perf_set_program(event_fd, prog_fd);
	return r < 0 ? r : take_fd(&event_fd);
}

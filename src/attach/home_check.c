// SPDX-License-Identifier: BSD-2-Clause
#include "home_check.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "links.h"
#include "probe.skel.h"

enum { MARK_CNT = 3, LEADER_IS_GONE_US = 1000 };

/* What is probed. */
__attribute__((noinline)) static void mark(void)
{
	__asm__ volatile("" ::: "memory");
}

static void *mark_after(void *first_thread)
{
	pthread_join(*(pthread_t *)first_thread, NULL);
	/* Its memory goes a moment after it has told so. */
	usleep(LEADER_IS_GONE_US);
	for (int i = 0; i < MARK_CNT; i++)
		mark();
	_exit(0);
}

/* Waits for a byte, ends its first thread, and marks in another one. */
__attribute__((noreturn)) static void child(int go_fd)
{
	static pthread_t self;
	pthread_t other;
	char byte;

	self = pthread_self();
	if (read(go_fd, &byte, 1) != 1 || pthread_create(&other, NULL, mark_after, &self))
		_exit(1);
	pthread_exit(NULL);
}

struct place {
	uintptr_t addr;
	uint64_t file_off;
};

static int find_in_object(struct dl_phdr_info *info, size_t size, void *user)
{
	struct place *p = user;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + h->p_vaddr;

		if (h->p_type == PT_LOAD && p->addr >= begin && p->addr < begin + h->p_filesz) {
			p->file_off = p->addr - begin + h->p_offset;
			return 1;
		}
	}
	return 0;
}

static int attach(const struct probe_bpf *skel, pid_t pid)
{
	struct place at = { .addr = (uintptr_t)mark };
	uint64_t cookie = 0;
	struct link_places places = { "/proc/self/exe", &at.file_off, &cookie, 1, pid };

	if (!dl_iterate_phdr(find_in_object, &at))
		return -ENOENT;
	return link_uprobe_multi(bpf_program__fd(skel->progs.probe_mark), LINK_TYPE_UPROBE_MULTI,
				 false, &places);
}

static struct probe_bpf *load(void)
{
	struct probe_bpf *skel = probe_bpf__open();
	struct bpf_program *prog;

	if (!skel)
		return NULL;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == skel->progs.probe_mark);
	bpf_program__set_expected_attach_type(skel->progs.probe_mark,
					      (enum bpf_attach_type)LINK_TYPE_UPROBE_MULTI);
	if (!probe_bpf__load(skel))
		return skel;
	probe_bpf__destroy(skel);
	return NULL;
}

/* Lets the child mark, and waits for its end. */
static bool let_mark(pid_t pid, int go_fd)
{
	int status = 1;

	if (write(go_fd, "", 1) != 1)
		return false;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return !status;
}

static bool sees_all(const struct probe_bpf *skel)
{
	CLEANUP_CLOSE int go_fd = -1;
	CLEANUP_CLOSE int link = -1;
	uint32_t zero = 0, cnt = 0;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return false;
	pid = fork();
	if (!pid) {
		close(fds[1]);
		child(fds[0]);
	}
	close(fds[0]);
	go_fd = fds[1];
	link = pid > 0 ? attach(skel, pid) : -1;
	mark();
	if (pid < 0 || !let_mark(pid, go_fd) || link < 0)
		return false;
	return !bpf_map_lookup_elem(bpf_map__fd(skel->maps.probe_marks), &zero, &cnt) &&
	       cnt == MARK_CNT;
}

bool home_check_links(void)
{
	struct probe_bpf *skel = load();
	bool good = skel && sees_all(skel);

	probe_bpf__destroy(skel);
	return good;
}

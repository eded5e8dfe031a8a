// SPDX-License-Identifier: BSD-2-Clause
#include "control.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

struct capture_control *control_map(int fd)
{
	void *at = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

void control_unmap(struct capture_control *c)
{
	if (c)
		munmap(c, page_size());
}

// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

enum { EXCERPT_MAX = 8 << 20 };

/* The kernel gives a page at a time. */
static int read_whole(struct kernel_btf *b, int fd)
{
	size_t len = 0;

	b->data = malloc(b->size);
	if (!b->data)
		return -ENOMEM;
	while (len < b->size) {
		ssize_t n = read(fd, (char *)b->data + len, b->size - len);

		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		len += (size_t)n;
	}
	return 0;
}

static int take_whole(struct kernel_btf *b)
{
	CLEANUP_CLOSE int fd = open(KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	b->size = (size_t)st.st_size;
	map = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return read_whole(b, fd);
	b->data = map;
	b->is_mapped = true;
	return 0;
}

int kernel_btf_open(struct kernel_btf *b)
{
	int r;

	*b = (struct kernel_btf){ 0 };
	r = take_whole(b);
	if (!r)
		r = btf_whole_init(&b->whole, b->data, b->size);
	if (r < 0)
		kernel_btf_close(b);
	return r;
}

void kernel_btf_close(struct kernel_btf *b)
{
	btf_whole_done(&b->whole);
	if (b->is_mapped)
		munmap(b->data, b->size);
	else
		free(b->data);
	*b = (struct kernel_btf){ 0 };
}

int kernel_types_open(struct kernel_types *t)
{
	t->path[0] = '\0';
	t->fd = memfd_create("kernel-types", MFD_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	snprintf(t->path, sizeof(t->path), "/proc/self/fd/%d", t->fd);
	return 0;
}

int kernel_types_fill(struct kernel_types *t, const struct btf *const *users, size_t user_cnt,
		      struct kfuncs *ret_functions)
{
	struct kernel_btf kernel;
	struct buf text;
	int r = kernel_btf_open(&kernel);

	if (r < 0)
		return r;
	kfuncs_find_in(&kernel.whole, ret_functions);
	buf_init(&text, EXCERPT_MAX);
	r = btf_excerpt(&kernel.whole, users, user_cnt, &text);
	if (!r && pwrite(t->fd, text.data, text.len, 0) != (ssize_t)text.len)
		r = -EIO;
	buf_done(&text);
	kernel_btf_close(&kernel);
	return r;
}

void kernel_types_close(struct kernel_types *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

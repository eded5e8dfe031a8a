// SPDX-License-Identifier: BSD-2-Clause
#include "kernel_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/cleanup.h"

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

enum { NAME_CNT_MAX = 4096, NAME_LEN_MAX = 64 };

/* Of types that are wanted, sorted. */
struct names {
	char (*items)[NAME_LEN_MAX];
	size_t cnt;
};

/* What is copied, and under which number. */
struct copy {
	const struct btf *from;
	struct btf *to;
	uint32_t *new_ids; /* by old id; 0: not copied */
	uint32_t *order;   /* old ids in the order of the new ones, from 1 on */
	uint32_t cnt;
};

static bool has_name_of_interest(const struct btf_type *t)
{
	return btf_is_composite(t) || btf_is_enum(t) || btf_is_enum64(t) || btf_is_typedef(t);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int add_names(struct names *n, const struct btf *user)
{
	for (uint32_t id = 1; id < btf__type_cnt(user); id++) {
		const struct btf_type *t = btf__type_by_id(user, id);
		const char *name = btf__name_by_offset(user, t->name_off), *ours;
		size_t len;

		if (!name || !*name || !has_name_of_interest(t))
			continue;
		ours = strstr(name, "___");
		len = ours ? (size_t)(ours - name) : strlen(name);
		if (n->cnt == NAME_CNT_MAX)
			return -E2BIG;
		if (len >= NAME_LEN_MAX)
			continue;
		memset(n->items[n->cnt], 0, NAME_LEN_MAX);
		memcpy(n->items[n->cnt++], name, len);
	}
	return 0;
}

static bool is_wanted(const struct names *n, const char *name)
{
	return *name && bsearch(name, n->items, n->cnt, NAME_LEN_MAX, compare_names);
}

/* 0, or the type that `t` is made of besides members: of an array its elements. */
static uint32_t part_of(const struct btf_type *t)
{
	if (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t))
		return t->type;
	return btf_is_array(t) ? btf_array(t)->type : 0;
}

static void note(struct copy *c, uint32_t id)
{
	if (!id || c->new_ids[id])
		return;
	c->order[++c->cnt] = id;
	c->new_ids[id] = c->cnt;
}

/* `order` is worked off from the front, and grows at its end: no recursion. */
static void note_parts(struct copy *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->from, id);

	note(c, part_of(t));
	if (btf_is_array(t))
		note(c, btf_array(t)->index_type);
	for (int i = 0; btf_is_composite(t) && i < btf_vlen(t); i++)
		note(c, btf_members(t)[i].type);
}

static void choose(struct copy *c, const struct names *wanted)
{
	uint32_t cnt = btf__type_cnt(c->from);

	for (uint32_t id = 1; id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(c->from, id);

		if (has_name_of_interest(t) &&
		    is_wanted(wanted, btf__name_by_offset(c->from, t->name_off)))
			note(c, id);
	}
	for (uint32_t i = 1; i <= c->cnt; i++)
		note_parts(c, c->order[i]);
}

static void renumber(const struct copy *c, struct btf_type *t)
{
	if (btf_is_ptr(t))
		t->type = 0;
	else if (part_of(t) && !btf_is_array(t))
		t->type = c->new_ids[t->type];
	if (btf_is_array(t)) {
		btf_array(t)->type = c->new_ids[btf_array(t)->type];
		btf_array(t)->index_type = c->new_ids[btf_array(t)->index_type];
	}
	for (int i = 0; btf_is_composite(t) && i < btf_vlen(t); i++)
		btf_members(t)[i].type = c->new_ids[btf_members(t)[i].type];
}

static int copy_types(struct copy *c)
{
	for (uint32_t i = 1; i <= c->cnt; i++) {
		int id = btf__add_type(c->to, c->from, btf__type_by_id(c->from, c->order[i]));

		if (id < 0)
			return id;
	}
	for (uint32_t i = 1; i <= c->cnt; i++)
		renumber(c, (struct btf_type *)btf__type_by_id(c->to, i));
	return 0;
}

static int write_file(int fd, const void *data, size_t len)
{
	const char *rest = data;

	while (len) {
		ssize_t n = write(fd, rest, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rest += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill_from(struct kernel_types *t, const struct btf *kernel, const struct names *wanted)
{
	struct copy c = { .from = kernel };
	uint32_t cnt = btf__type_cnt(kernel), len;
	const void *data;
	int r = -ENOMEM;

	c.to = btf__new_empty();
	c.new_ids = calloc(cnt, sizeof(*c.new_ids));
	c.order = calloc((size_t)cnt + 1, sizeof(*c.order));
	if (c.to && c.new_ids && c.order) {
		choose(&c, wanted);
		r = copy_types(&c);
	}
	data = r < 0 ? NULL : btf__raw_data(c.to, &len);
	if (data)
		r = write_file(t->fd, data, len);
	else if (!r)
		r = -ENOMEM;
	free(c.order);
	free(c.new_ids);
	btf__free(c.to);
	return r;
}

/* In one piece: libbpf reads it in thousands. */
static int read_kernel(struct btf **ret)
{
	CLEANUP_CLOSE int fd = open(KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	data = malloc((size_t)st.st_size);
	if (!data)
		return -ENOMEM;
	while (len < (size_t)st.st_size && n > 0) {
		n = read(fd, data + len, (size_t)st.st_size - len);
		len += n > 0 ? (size_t)n : 0;
	}
	*ret = n < 0 ? NULL : btf__new(data, (uint32_t)len);
	n = *ret ? 0 : -errno;
	free(data);
	return (int)n;
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
	struct names wanted = { calloc(NAME_CNT_MAX, NAME_LEN_MAX), 0 };
	struct btf *kernel = NULL;
	int r = wanted.items ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < user_cnt; i++)
		r = add_names(&wanted, users[i]);
	if (!r)
		r = read_kernel(&kernel);
	if (!r) {
		qsort(wanted.items, wanted.cnt, NAME_LEN_MAX, compare_names);
		kfuncs_find_in(kernel, ret_functions);
		r = fill_from(t, kernel, &wanted);
	}
	btf__free(kernel);
	free(wanted.items);
	return r;
}

void kernel_types_close(struct kernel_types *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "hit_counter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "count.skel.h"
#include "links.h"

struct hit_counter {
	const struct target *target;
	struct count_bpf *skel;
	int links[TARGET_POINT_MAX];
	size_t link_cnt;
};

_Static_assert(sizeof(((struct count_bpf__bss *)0)->hits) == TARGET_POINT_MAX * sizeof(uint64_t),
	       "a counter for each point");

static int load(struct hit_counter *c, struct error *ret_error)
{
	int r;

	c->skel = count_bpf__open();
	if (!c->skel)
		return error_set_errno(ret_error, -errno, "cannot open the counting programs");
	r = count_bpf__load(c->skel);
	if (r < 0)
		return error_set_errno(ret_error, r, "the kernel refused the counting programs");
	return 0;
}

static int attach_point(struct hit_counter *c, size_t i, pid_t pid, struct error *ret_error)
{
	uint64_t offset = c->target->points[i].file_off, cookie = 0;
	struct link_places place = { NULL, &offset, &cookie, 1, pid };
	struct bpf_program *prog;
	char text[64];
	int fd;

	snprintf(text, sizeof(text), "count_%zu", i);
	prog = bpf_object__find_program_by_name(c->skel->obj, text);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", c->target->fd);
	place.path = text;
	fd = prog ? link_perf_uprobe(bpf_program__fd(prog), &place, false, false) : -ENOENT;
	if (fd < 0)
		return error_set_errno(ret_error, fd, "cannot probe %s of %s in process %d",
				       c->target->points[i].symbol, c->target->path, (int)pid);
	c->links[c->link_cnt++] = fd;
	return 0;
}

int hit_counter_new(const struct target *t, pid_t pid, struct hit_counter **ret,
		    struct error *ret_error)
{
	struct hit_counter *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return error_set_errno(ret_error, -ENOMEM, "cannot count calls");
	c->target = t;
	r = load(c, ret_error);
	for (size_t i = 0; !r && i < t->point_cnt; i++)
		r = attach_point(c, i, pid, ret_error);
	if (r < 0) {
		hit_counter_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void hit_counter_free(struct hit_counter *c)
{
	if (!c)
		return;
	while (c->link_cnt)
		close(c->links[--c->link_cnt]);
	count_bpf__destroy(c->skel);
	free(c);
}

const struct target *hit_counter_target(const struct hit_counter *c)
{
	return c->target;
}

uint64_t hit_counter_hits(const struct hit_counter *c, size_t point)
{
	return __atomic_load_n(&c->skel->bss->hits[point], __ATOMIC_RELAXED);
}

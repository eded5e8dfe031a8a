// SPDX-License-Identifier: BSD-2-Clause
#include "loader_probes.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "links.h"
#include "load_record.h"

void loader_probes_init(struct loader_probes *l, const struct features *f,
			struct bpf_program *program, bool may_hold)
{
	bool can_see = f->has[FEATURE_COOKIE] && f->has[FEATURE_LOOP];

	*l = (struct loader_probes){ 0 };
	bpf_program__set_autoload(program, can_see);
	bpf_program__set_autoattach(program, false);
	if (!can_see)
		return;
	l->program = program;
	l->is_multi = f->has[FEATURE_MULTI];
	if (l->is_multi)
		bpf_program__set_expected_attach_type(program,
						      (enum bpf_attach_type)LINK_TYPE_UPROBE_MULTI);
	if (may_hold)
		bpf_program__set_flags(program, BPF_F_SLEEPABLE);
}

static int keep_link(struct loader_probes *l, int fd)
{
	int *links = realloc(l->links, (l->link_cnt + 1) * sizeof(*links));

	if (!links) {
		close(fd);
		return -ENOMEM;
	}
	l->links = links;
	links[l->link_cnt++] = fd;
	return 0;
}

int loader_probes_add(struct loader_probes *l, int fd, const struct loader_hook *hook, pid_t pid)
{
	uint64_t cookie = LOADER_COOKIE(hook->distance, hook->is_pointer);
	uint64_t offset = hook->file_off;
	char path[64];
	struct link_places place = { path, &offset, &cookie, 1, pid };
	int link;

	if (!l->program)
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (l->is_multi)
		link = link_uprobe_multi(bpf_program__fd(l->program), LINK_TYPE_UPROBE_MULTI, false,
					 &place);
	else
		link = link_perf_uprobe(bpf_program__fd(l->program), &place, false, true);
	return link < 0 ? link : keep_link(l, link);
}

void loader_probes_done(struct loader_probes *l)
{
	while (l->link_cnt)
		close(l->links[--l->link_cnt]);
	free(l->links);
	l->links = NULL;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "waiting_probes.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "links.h"
#include "load_record.h"
#include "model/exec_call.h"
#include "model/fork_call.h"
#include "model/loader_hook.h"

enum { WAITING_PLACE_MAX = 4 };

struct waiting_place {
	uint64_t file_off;
	uint64_t cookie;
};

void waiting_probes_init(struct waiting_probes *w, const struct features *f,
			 struct bpf_program *program, bool may_hold)
{
	bool can_see = f->has[FEATURE_COOKIE] && f->has[FEATURE_LOOP];

	*w = (struct waiting_probes){ 0 };
	bpf_program__set_autoload(program, can_see);
	bpf_program__set_autoattach(program, false);
	if (!can_see)
		return;
	w->program = program;
	w->is_multi = f->has[FEATURE_MULTI];
	if (w->is_multi)
		bpf_program__set_expected_attach_type(program,
						      (enum bpf_attach_type)LINK_TYPE_UPROBE_MULTI);
	if (may_hold)
		bpf_program__set_flags(program, BPF_F_SLEEPABLE);
}

static int keep_link(struct waiting_probes *w, int fd)
{
	int *links = realloc(w->links, (w->link_cnt + 1) * sizeof(*links));

	if (!links) {
		close(fd);
		return -ENOMEM;
	}
	w->links = links;
	links[w->link_cnt++] = fd;
	return 0;
}

static int add_multi(struct waiting_probes *w, const char *path, const struct waiting_place *at,
		     size_t cnt, pid_t pid)
{
	uint64_t offsets[WAITING_PLACE_MAX], cookies[WAITING_PLACE_MAX];
	struct link_places places = { path, offsets, cookies, (uint32_t)cnt, pid };
	int link;

	for (size_t i = 0; i < cnt; i++) {
		offsets[i] = at[i].file_off;
		cookies[i] = at[i].cookie;
	}
	link = link_uprobe_multi(bpf_program__fd(w->program), LINK_TYPE_UPROBE_MULTI, false,
				 &places);
	return link < 0 ? link : keep_link(w, link);
}

static int add_perf(struct waiting_probes *w, const char *path, const struct waiting_place *at,
		    pid_t pid)
{
	uint64_t cookie = at->cookie, offset = at->file_off;
	struct link_places place = { path, &offset, &cookie, 1, pid };
	int link = link_perf_uprobe(bpf_program__fd(w->program), &place, false, true);

	return link < 0 ? link : keep_link(w, link);
}

static int add_places(struct waiting_probes *w, int fd, const struct waiting_place *places,
		      size_t cnt, pid_t pid)
{
	char path[64];
	int r = 0;

	if (!w->program)
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (w->is_multi)
		return add_multi(w, path, places, cnt, pid);
	for (size_t i = 0; !r && i < cnt; i++)
		r = add_perf(w, path, &places[i], pid);
	return r;
}

int waiting_probes_add_loader(struct waiting_probes *w, int fd, const struct loader_hook *hook,
			      pid_t pid)
{
	struct waiting_place at = { hook->file_off,
				    LOADER_COOKIE(hook->distance, hook->is_pointer) };

	return add_places(w, fd, &at, 1, pid);
}

int waiting_probes_add_forks(struct waiting_probes *w, int fd, const struct fork_call *calls,
			     size_t cnt, pid_t pid)
{
	struct waiting_place at[WAITING_PLACE_MAX];

	if (cnt > WAITING_PLACE_MAX)
		return -E2BIG;
	for (size_t i = 0; i < cnt; i++)
		at[i] = (struct waiting_place){ calls[i].file_off,
						calls[i].has_flags ? FORK_COOKIE_HAS_FLAGS : 0 };
	return add_places(w, fd, at, cnt, pid);
}

int waiting_probes_add_execs(struct waiting_probes *w, int fd, const struct exec_call *calls,
			     size_t cnt, pid_t pid)
{
	static const enum exec_cookie cookies[] = {
		[EXEC_CALL_PATH] = EXEC_COOKIE_PATH,
		[EXEC_CALL_PATH_AT] = EXEC_COOKIE_PATH_AT,
		[EXEC_CALL_FD] = EXEC_COOKIE_FD,
	};
	struct waiting_place at[WAITING_PLACE_MAX];

	if (cnt > WAITING_PLACE_MAX)
		return -E2BIG;
	for (size_t i = 0; i < cnt; i++)
		at[i] = (struct waiting_place){ calls[i].file_off, cookies[calls[i].kind] };
	return add_places(w, fd, at, cnt, pid);
}

void waiting_probes_done(struct waiting_probes *w)
{
	while (w->link_cnt)
		close(w->links[--w->link_cnt]);
	free(w->links);
	w->links = NULL;
}

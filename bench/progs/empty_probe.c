// SPDX-License-Identifier: BSD-2-Clause
/*
 * The floor: what a probe costs that does nothing. Attaches a BPF program of two instructions
 * ("r0 = 0; exit") at entry and return of the given file offsets, by the best kind of link that
 * this kernel has: one session, or two multi links, or two perf links per place.
 *
 *	empty_probe FILE OFFSET...
 *	empty_probe TRACEPOINT
 *
 * The second form attaches it to a raw tracepoint of the kernel, which hits the whole machine.
 *
 * Prints "READY <session|multi|perf|raw>" and stays until SIGTERM, SIGINT, or its parent's end.
 *FILE should be a private copy of a library: the probes hit every process that maps it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/links.h"
#include "base/str.h"

enum { PLACES_MAX = 16 };

static __attribute__((noreturn)) void fail(const char *what, int r)
{
	fprintf(stderr, "empty_probe: %s: %s\n", what, strerror(-r));
	exit(1);
}

static int load_empty(enum bpf_prog_type type, unsigned attach_type)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uint64_t)(uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (uint64_t)(uintptr_t) "BSD",
	};
	int fd;

	/* A number that older headers do not name. */
	memcpy(&attr.expected_attach_type, &attach_type, sizeof(attr.expected_attach_type));
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

/* A negative errno where this kernel has no such link. */
static int attach_session(const struct link_places *places)
{
	int prog = load_empty(BPF_PROG_TYPE_KPROBE, LINK_TYPE_UPROBE_SESSION);

	return prog < 0 ? prog : link_uprobe_multi(prog, LINK_TYPE_UPROBE_SESSION, false, places);
}

static int attach_multi(const struct link_places *places)
{
	int prog = load_empty(BPF_PROG_TYPE_KPROBE, LINK_TYPE_UPROBE_MULTI), r;

	if (prog < 0)
		return prog;
	r = link_uprobe_multi(prog, LINK_TYPE_UPROBE_MULTI, true, places);
	return r < 0 ? r : link_uprobe_multi(prog, LINK_TYPE_UPROBE_MULTI, false, places);
}

static int attach_perf(const struct link_places *places)
{
	int prog = load_empty(BPF_PROG_TYPE_KPROBE, 0), r = prog;

	for (uint32_t i = 0; r >= 0 && i < 2 * places->cnt; i++) {
		struct link_places place = { places->path, &places->offsets[i / 2],
					     &places->cookies[i / 2], 1, 0 };

		r = link_perf_uprobe(prog, &place, i % 2, false);
	}
	return r;
}

/* All descriptors stay open until the end of the process. */
static const char *attach(const struct link_places *places)
{
	int r;

	if (attach_session(places) >= 0)
		return "session";
	if (attach_multi(places) >= 0)
		return "multi";
	r = attach_perf(places);
	if (r < 0)
		fail(places->path, r);
	return "perf";
}

static const char *attach_raw(const char *tracepoint)
{
	int prog = load_empty(BPF_PROG_TYPE_RAW_TRACEPOINT, 0);
	union bpf_attr attr = { .raw_tracepoint = { .name = (uint64_t)(uintptr_t)tracepoint,
						    .prog_fd = (uint32_t)prog } };

	if (prog < 0)
		fail(tracepoint, prog);
	if (syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr)) < 0)
		fail(tracepoint, -errno);
	return "raw";
}

int main(int argc, char **argv)
{
	uint64_t offsets[PLACES_MAX], cookies[PLACES_MAX] = { 0 };
	struct link_places places = { .offsets = offsets, .cookies = cookies };
	sigset_t set;
	int sig;

	if (argc < 2 || argc - 2 > PLACES_MAX) {
		fprintf(stderr,
			"usage: empty_probe FILE OFFSET... | TRACEPOINT (at most %d offsets)\n",
			PLACES_MAX);
		return 2;
	}
	places.path = argv[1];
	for (int i = 2; i < argc; i++)
		if (str_to_u64(str_from(argv[i]), 10, &offsets[places.cnt++]) < 0)
			fail(argv[i], -EINVAL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	printf("READY %s\n", argc > 2 ? attach(&places) : attach_raw(argv[1]));
	fflush(stdout);
	sigwait(&set, &sig);
	return 0;
}

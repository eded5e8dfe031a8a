/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a BPF program once, in this very process, without attaching it to anything. */
#ifndef PLAINTAP_TESTS_BPF_RUN_H
#define PLAINTAP_TESTS_BPF_RUN_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* `args` is what the program sees as its context; its result, or a negative errno. */
static inline int64_t bpf_run(const struct bpf_program *prog, const uint64_t *args, size_t arg_cnt)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = (uint32_t)(arg_cnt * sizeof(*args)));
	int r = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	return r < 0 ? r : (int64_t)opts.retval;
}

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "kfuncs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>

#include <bpf/libbpf.h>

#include "kernel_types.h"
#include "kfunc_numbers.h"

static const struct {
	int32_t stand_in;
	const char *name;
} functions[KFUNC_CNT] = {
	[KFUNC_SESSION_IS_RETURN] = { KFUNC_NUMBER_SESSION_IS_RETURN, "bpf_session_is_return" },
	[KFUNC_SESSION_COOKIE] = { KFUNC_NUMBER_SESSION_COOKIE, "bpf_session_cookie" },
	[KFUNC_READ_USER_DYNPTR] = { KFUNC_NUMBER_READ_USER_DYNPTR, "bpf_probe_read_user_dynptr" },
};

/* There is one running kernel, and libbpf hands its callbacks no pointer. */
static struct kfuncs in_use;

void kfuncs_find_in(const struct btf_whole *kernel, struct kfuncs *ret)
{
	for (int i = 0; i < KFUNC_CNT; i++)
		ret->id[i] = btf_whole_find_func(kernel, functions[i].name);
}

int kfuncs_find(struct kfuncs *ret)
{
	struct kernel_btf kernel;
	int r = kernel_btf_open(&kernel);

	if (r < 0)
		return r;
	kfuncs_find_in(&kernel.whole, ret);
	kernel_btf_close(&kernel);
	return 0;
}

bool kfuncs_has(const struct kfuncs *k, enum kfunc function)
{
	return k->id[function] > 0;
}

static void link_call(struct bpf_insn *insn)
{
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return;
	for (int i = 0; i < KFUNC_CNT; i++) {
		if (insn->imm != functions[i].stand_in || !kfuncs_has(&in_use, i))
			continue;
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->imm = in_use.id[i];
		return;
	}
}

/* By now the program has all functions that it calls behind it. */
static int link_program(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct bpf_insn *insns = (struct bpf_insn *)bpf_program__insns(prog);

	for (size_t i = 0; i < bpf_program__insn_cnt(prog); i++)
		link_call(&insns[i]);
	return 0;
}

int kfuncs_register(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = link_program);
	static bool is_registered;
	int r;

	if (is_registered)
		return 0;
	r = libbpf_register_prog_handler("uprobe", BPF_PROG_TYPE_KPROBE, 0, &opts);
	if (r > 0)
		r = libbpf_register_prog_handler("raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &opts);
	is_registered = r > 0;
	return r < 0 ? r : 0;
}

void kfuncs_use(const struct kfuncs *k)
{
	in_use = *k;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "kfuncs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kfunc_numbers.h"

static const struct {
	int32_t stand_in;
	const char *name;
} functions[KFUNC_CNT] = {
	{ KFUNC_SESSION_IS_RETURN, "bpf_session_is_return" },
	{ KFUNC_SESSION_COOKIE, "bpf_session_cookie" },
};

int kfuncs_find(struct kfuncs *ret)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return -errno;
	for (int i = 0; i < KFUNC_CNT; i++)
		ret->id[i] = btf__find_by_name_kind(btf, functions[i].name, BTF_KIND_FUNC);
	btf__free(btf);
	return 0;
}

static int link_call(struct bpf_insn *insn, const struct kfuncs *k)
{
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return 0;
	for (int i = 0; i < KFUNC_CNT; i++) {
		if (insn->imm != functions[i].stand_in)
			continue;
		if (k->id[i] < 0)
			return -ENOENT;
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->imm = k->id[i];
	}
	return 0;
}

int kfuncs_link(const struct kfuncs *k, struct bpf_program *prog)
{
	size_t cnt = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns;
	int r = 0;

	insns = calloc(cnt, sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), cnt * sizeof(*insns));
	for (size_t i = 0; !r && i < cnt; i++)
		r = link_call(&insns[i], k);
	if (!r)
		r = bpf_program__set_insns(prog, insns, cnt);
	free(insns);
	return r;
}

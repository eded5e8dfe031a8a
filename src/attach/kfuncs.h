/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel functions that programs call by a stand-in number (abi/kfunc_numbers.h). libbpf would
 * parse all of the kernel's types for one such call, and refuse a function whose declaration
 * differs from the kernel's, which has changed for two of these.
 */
#ifndef PLAINTAP_ATTACH_KFUNCS_H
#define PLAINTAP_ATTACH_KFUNCS_H

#include <stdbool.h>
#include <stdint.h>

struct btf_whole;

enum kfunc {
	KFUNC_SESSION_IS_RETURN,
	KFUNC_SESSION_COOKIE,
	KFUNC_READ_USER_DYNPTR,
	KFUNC_CNT,
};

/* Their ids in the running kernel's types; negative: not there. */
struct kfuncs {
	int32_t id[KFUNC_CNT];
};

void kfuncs_find_in(const struct btf_whole *kernel, struct kfuncs *ret);
/* The same, but reads the kernel's types, which takes a millisecond or more. */
int kfuncs_find(struct kfuncs *ret);
bool kfuncs_has(const struct kfuncs *k, enum kfunc function);
/*
 * From now on the stand-ins in all programs that this process opens become calls of the kernel's
 * functions when they are loaded, with the ids that were last put in use. Those of functions that
 * are not there remain: such code must not be reached.
 */
int kfuncs_register(void);
void kfuncs_use(const struct kfuncs *k);

#endif

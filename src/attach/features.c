// SPDX-License-Identifier: BSD-2-Clause
#include "features.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "links.h"
#include "probe.skel.h"

const char *feature_name(enum feature f)
{
	static const char *const names[FEATURE_CNT] = { "session", "multi", "cookie",
							"dynptr",  "loop",  "sleep" };

	return f < FEATURE_CNT ? names[f] : "unknown";
}

int feature_from_name(struct str name)
{
	for (int f = 0; f < FEATURE_CNT; f++)
		if (str_eq(name, str_from(feature_name(f))))
			return f;
	return -EINVAL;
}

/* The throw-away program of a feature; NULL where none is needed. */
static struct bpf_program *program_of(struct probe_bpf *skel, enum feature f)
{
	switch (f) {
	case FEATURE_SESSION:
		return skel->progs.probe_session;
	case FEATURE_COOKIE:
		return skel->progs.probe_cookie;
	case FEATURE_USER_DYNPTR:
		return skel->progs.probe_user_dynptr;
	case FEATURE_LOOP:
		return skel->progs.probe_bpf_loop;
	case FEATURE_MULTI:
		return skel->progs.probe_multi;
	case FEATURE_SLEEP:
		return skel->progs.probe_sleep;
	case FEATURE_CNT:
		break;
	}
	return NULL;
}

static unsigned attach_type_of(enum feature f)
{
	if (f == FEATURE_SESSION)
		return LINK_TYPE_UPROBE_SESSION;
	if (f == FEATURE_MULTI)
		return LINK_TYPE_UPROBE_MULTI;
	return 0;
}

/* Loads the programs of the features in `wanted`; those that load and link work. */
static bool try_features(unsigned wanted)
{
	struct probe_bpf *skel = probe_bpf__open();
	bool good;

	if (!skel)
		return false;
	for (int f = 0; f < FEATURE_CNT; f++) {
		struct bpf_program *prog = program_of(skel, f);

		bpf_program__set_autoload(prog, wanted >> f & 1);
		bpf_program__set_expected_attach_type(prog, attach_type_of(f));
	}
	bpf_program__set_flags(skel->progs.probe_sleep, BPF_F_SLEEPABLE);
	good = probe_bpf__load(skel) == 0;
	for (int f = 0; good && f < FEATURE_CNT; f++)
		if ((wanted >> f & 1) && attach_type_of(f))
			good = link_uprobe_multi_works(bpf_program__fd(program_of(skel, f)),
						       attach_type_of(f));
	probe_bpf__destroy(skel);
	return good;
}

int features_check_types(struct error *ret_error)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return 0;
	return error_set(ret_error, -ENOTSUP,
			 "this kernel tells no types of its own: /sys/kernel/btf/vmlinux is "
			 "missing; plaintap needs a kernel built with CONFIG_DEBUG_INFO_BTF=y");
}

static int check_minimum(struct error *ret_error)
{
	if (!try_features(0))
		return error_set(ret_error, -ENOTSUP,
				 "this kernel refuses BPF ring buffers or BPF altogether; plaintap "
				 "needs Linux 5.8 or later, and no lockdown mode that forbids BPF");
	return 0;
}

/* Features that the kernel has no functions for. Puts those that it has in use. */
static unsigned without_functions(const struct kfuncs *kfuncs)
{
	struct kfuncs found = { { -1, -1, -1 } };
	unsigned absent = 0;

	if (!kfuncs && kfuncs_find(&found) == 0)
		kfuncs = &found;
	kfuncs = kfuncs ? kfuncs : &found;
	if (!kfuncs_has(kfuncs, KFUNC_SESSION_IS_RETURN) ||
	    !kfuncs_has(kfuncs, KFUNC_SESSION_COOKIE))
		absent |= 1u << FEATURE_SESSION;
	if (!kfuncs_has(kfuncs, KFUNC_READ_USER_DYNPTR))
		absent |= 1u << FEATURE_USER_DYNPTR;
	kfuncs_use(kfuncs);
	if (kfuncs_register() < 0)
		absent |= 1u << FEATURE_SESSION | 1u << FEATURE_USER_DYNPTR;
	return absent;
}

int features_probe(unsigned forbidden, const struct kfuncs *kfuncs, struct features *ret,
		   struct error *ret_error)
{
	unsigned all = (1u << FEATURE_CNT) - 1, wanted = all & ~forbidden;
	struct features found = { 0 };
	bool at_once;
	int r;

	r = features_check_types(ret_error);
	if (r < 0)
		return r;
	wanted &= ~without_functions(kfuncs);
	/* A new kernel has them all: one load instead of six. */
	at_once = try_features(wanted);
	if (!at_once) {
		r = check_minimum(ret_error);
		if (r < 0)
			return r;
	}
	for (int f = 0; f < FEATURE_CNT; f++) {
		found.has[f] = (wanted >> f & 1) && (at_once || try_features(1u << f));
		log_say(LOG_DEBUG, "kernel feature %s: %s", feature_name(f),
			found.has[f] ? "yes" : "no");
	}
	/*
	 * A link of many places is of no use to a program that cannot tell them apart. Loops and
	 * programs that may wait are younger than cookies: without these none of the many small
	 * programs has a loop, or needs to be verified for waiting.
	 */
	if (!found.has[FEATURE_COOKIE])
		found.has[FEATURE_SESSION] = found.has[FEATURE_MULTI] = found.has[FEATURE_LOOP] =
			found.has[FEATURE_SLEEP] = false;
	*ret = found;
	return 0;
}

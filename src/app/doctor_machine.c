// SPDX-License-Identifier: BSD-2-Clause
/* What the facts about the machine mean. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static const char as_root[] = "run it as root: sudo plaintap doctor …";

/* What a feature is worth to a user. */
static const struct {
	const char *id;
	const char *with, *without;
} feature_rows[FEATURE_CNT] = {
	[FEATURE_SESSION] = { "kernel.session",
			      "one probe serves a call's entry and return: the cheapest kind",
			      "no probe sees a call's entry and return at once: entries and returns "
			      "are probed apart, which costs the program a little more" },
	[FEATURE_MULTI] = { "kernel.multi",
			    "all places of a library are probed at once, so attaching is quick",
			    "each place is probed by itself: attaching takes longer" },
	[FEATURE_COOKIE] = { "kernel.cookie", "a program learns which place was hit",
			     "one program for each kind of place is loaded instead of one for "
			     "all: starting takes longer" },
	[FEATURE_USER_DYNPTR] = { "kernel.dynptr", "plaintext is copied once, in its true size",
				  "plaintext is copied in pieces of fixed sizes: a call costs more, "
				  "and the buffer holds less" },
	[FEATURE_LOOP] = { "kernel.loop", "calls of any length are followed",
			   "a call is followed for a fixed number of pieces: the longest ones are "
			   "cut, and the cut is shown as a gap" },
	[FEATURE_SLEEP] = { "kernel.sleep",
			    "a page that is not in memory is waited for, and a program waits until "
			    "a library that is new is probed",
			    "a page that is not in memory cannot be read: then there is a gap; and "
			    "what a library that is new says in its first moments may be missed" },
};

static void explain_features(const struct doctor_machine *m, struct doctor_findings *f)
{
	if (!m->has_btf)
		return;
	if (!m->features_tried) {
		doctor_add(
			f, DOCTOR_NOTE, "kernel.features", as_root,
			"what this kernel can do was not tried: that needs the right to load BPF "
			"programs");
		return;
	}
	if (m->features_error.code) {
		doctor_add(f, DOCTOR_PROBLEM, "kernel.bpf",
			   m->own_seccomp > 0
				   ? "run plaintap without its seccomp filter (docker run "
				     "--security-opt seccomp=unconfined), or on the host"
				   : "use such a kernel, or allow BPF on this one",
			   "%s", m->features_error.text);
		return;
	}
	doctor_add(f, DOCTOR_GOOD, "kernel.bpf", "", "the kernel loads plaintap's BPF programs");
	for (int i = 0; i < FEATURE_CNT; i++)
		doctor_add(f, m->has[i] ? DOCTOR_GOOD : DOCTOR_NOTE, feature_rows[i].id,
			   m->has[i] ? "" : "nothing needs to be done; a newer kernel has it", "%s",
			   m->has[i] ? feature_rows[i].with : feature_rows[i].without);
}

static void explain_btf(const struct doctor_machine *m, struct doctor_findings *f)
{
	if (m->has_btf)
		doctor_add(f, DOCTOR_GOOD, "kernel.btf", "",
			   "the kernel tells its own types (/sys/kernel/btf/vmlinux)");
	else
		doctor_add(f, DOCTOR_PROBLEM, "kernel.btf",
			   "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as current "
			   "distributions have; in a container, mount /sys",
			   "the kernel does not tell its own types: /sys/kernel/btf/vmlinux is "
			   "missing (no BTF)");
}

static void explain_lockdown(const struct doctor_machine *m, struct doctor_findings *f)
{
	if (!strcmp(m->lockdown, "confidentiality"))
		doctor_add(f, DOCTOR_PROBLEM, "kernel.lockdown",
			   "boot with lockdown=integrity, or without Secure Boot",
			   "lockdown mode \"confidentiality\": the kernel lets no BPF program read "
			   "memory");
	else if (m->lockdown[0])
		doctor_add(f, DOCTOR_GOOD, "kernel.lockdown", "",
			   "lockdown mode \"%s\" forbids nothing that plaintap does", m->lockdown);
	else
		doctor_add(f, DOCTOR_GOOD, "kernel.lockdown", "",
			   "the kernel tells of no lockdown mode");
}

static void explain_sysctls(const struct doctor_machine *m, struct doctor_findings *f)
{
	if (m->perf_event_paranoid != INT64_MIN)
		doctor_add(f, DOCTOR_GOOD, "sysctl.perf_event_paranoid", "",
			   "kernel.perf_event_paranoid is %" PRId64
			   ": of no importance to who has CAP_PERFMON",
			   m->perf_event_paranoid);
	if (m->unprivileged_bpf_disabled != INT64_MIN)
		doctor_add(f, DOCTOR_GOOD, "sysctl.unprivileged_bpf_disabled", "",
			   "kernel.unprivileged_bpf_disabled is %" PRId64
			   ": of no importance to who has CAP_BPF",
			   m->unprivileged_bpf_disabled);
}

static void explain_capability(const char *id, const char *name, bool has, const char *what_for,
			       struct doctor_findings *f)
{
	doctor_add(f, has ? DOCTOR_GOOD : DOCTOR_PROBLEM, id, has ? "" : as_root, "%s is %s: %s",
		   name, has ? "here" : "missing", what_for);
}

static void explain_privileges(const struct doctor_machine *m, struct doctor_findings *f)
{
	const struct privileges *may = &m->may;

	explain_capability("capability.bpf", "CAP_BPF", may->bpf || may->sys_admin,
			   "to load BPF programs", f);
	explain_capability("capability.perfmon", "CAP_PERFMON", may->perfmon || may->sys_admin,
			   "to place probes, and to let them read memory", f);
	explain_capability(
		"capability.sys_ptrace", "CAP_SYS_PTRACE", may->sys_ptrace,
		"to look into processes of other users, and to keep threads standing while "
		"what they have brought is probed",
		f);
	doctor_add(f, DOCTOR_GOOD, "capability.sys_resource", "", "CAP_SYS_RESOURCE is %s: %s",
		   may->sys_resource ? "here" : "missing",
		   "needed only before Linux 5.11, where tables count as locked memory");
}

static void explain_self(const struct doctor_machine *m, struct doctor_findings *f)
{
	if (!m->in_first_pid_ns)
		doctor_add(f, DOCTOR_PROBLEM, "self.pid_namespace",
			   "run plaintap in the machine's first pid namespace (docker run "
			   "--pid=host), and give it the pids seen there",
			   "plaintap runs in a pid namespace of its own (a container): the kernel "
			   "side knows processes by other numbers");
	if (m->own_seccomp > 0)
		doctor_add(f, DOCTOR_NOTE, "self.seccomp",
			   "if BPF is refused, run it without (docker run --security-opt "
			   "seccomp=unconfined)",
			   "plaintap itself runs under a seccomp filter, which may refuse it BPF");
}

static void explain_return_probes(const struct doctor_machine *m, struct doctor_findings *f)
{
	switch (m->return_probes) {
	case RETURN_PROBE_FILTERED:
		doctor_add(f, DOCTOR_NOTE, "kernel.return_probes",
			   "do not trace programs with a seccomp filter here (containers have "
			   "one), or use Linux 6.12.13, 6.13.2, 6.14 or later",
			   "return probes make a system call (uretprobe) that this kernel shows to "
			   "seccomp filters: those that do not know it may end the program");
		break;
	case RETURN_PROBE_NOT_KNOWN:
		doctor_add(f, DOCTOR_NOTE, "kernel.return_probes",
			   "try a program without a seccomp filter first",
			   "it could not be found out whether seccomp filters see return probes");
		break;
	case RETURN_PROBE_NO_SYSCALL:
	case RETURN_PROBE_EXEMPT:
		doctor_add(f, DOCTOR_GOOD, "kernel.return_probes", "",
			   "seccomp filters of traced programs do not see return probes");
		break;
	}
}

void doctor_explain_machine(const struct doctor_machine *m, struct doctor_findings *f)
{
	explain_privileges(m, f);
	explain_self(m, f);
	explain_btf(m, f);
	explain_features(m, f);
	explain_return_probes(m, f);
	explain_lockdown(m, f);
	explain_sysctls(m, f);
}

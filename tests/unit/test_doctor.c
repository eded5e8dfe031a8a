// SPDX-License-Identifier: BSD-2-Clause
/* One case for each thing that the doctor can say. */
#include <errno.h>
#include <string.h>

#include "app/doctor.h"
#include "tap.h"

static struct doctor_machine machine;
static struct doctor_process process;
static struct doctor_findings found;

/* A machine where all is well, and a process that speaks. */
static void reset(void)
{
	memset(&process, 0, sizeof(process));
	machine = (struct doctor_machine){
		.release = "6.18.0",
		.arch = "x86_64",
		.has_btf = true,
		.lockdown = "none",
		.perf_event_paranoid = 2,
		.unprivileged_bpf_disabled = 2,
		.may = { true, true, true, true, true },
		.features_tried = true,
		.return_probes = RETURN_PROBE_EXEMPT,
		.in_first_pid_ns = true,
	};
	for (int i = 0; i < FEATURE_CNT; i++)
		machine.has[i] = true;
	process.pid = 42;
	process.state = (struct process_state){
		.exists = true, .leader = 42, .comm = "client", .tcp_cnt = 1, .sockets_known = true
	};
	process.stacks[0] = (struct stack_words){ .path = "/lib/libssl.so.3",
						  .name = "OpenSSL 3.0.19",
						  .is_probed = true,
						  .how = "5 probes" };
	process.stack_cnt = 1;
	process.seconds = 3;
	process.points[0] =
		(struct doctor_point){ "/lib/libssl.so.3", "SSL_read", "read", true, 0x1000, 7 };
	process.points[1] =
		(struct doctor_point){ "/lib/libssl.so.3", "SSL_free", "free", false, 0x2000, 7 };
	process.point_cnt = 2;
}

static const struct doctor_finding *find(const char *id)
{
	for (size_t i = 0; i < found.cnt; i++)
		if (!strcmp(found.items[i].id, id))
			return &found.items[i];
	return NULL;
}

static void explain(void)
{
	found.cnt = 0;
	doctor_explain_machine(&machine, &found);
	doctor_explain_process(&machine, &process, &found);
	/* Whoever is told of something is told what to do. */
	for (size_t i = 0; i < found.cnt; i++) {
		const struct doctor_finding *f = &found.items[i];

		OK_MSG(f->text[0] && (f->level == DOCTOR_GOOD) == !f->advice[0],
		       "%s: advice belongs to what is not good: %s", f->id, f->advice);
	}
}

static void expect(const char *id, enum doctor_level level, const char *word, const char *advice)
{
	const struct doctor_finding *f;

	explain();
	f = find(id);
	OK_MSG(f != NULL, "%s is found", id);
	if (!f)
		return;
	OK_MSG(f->level == level, "%s is %s", id, doctor_level_name(f->level));
	OK_MSG(strstr(f->text, word) != NULL, "'%s' is in: %s", word, f->text);
	OK_MSG(strstr(f->advice, advice) != NULL, "'%s' is in: %s", advice, f->advice);
	OK_MSG(doctor_would_work(&found) == (level != DOCTOR_PROBLEM), "%s: the verdict", id);
}

#define EXPECT(change, ...)          \
	do {                         \
		reset();             \
		change;              \
		expect(__VA_ARGS__); \
	} while (0)

static void test_all_is_well(void)
{
	reset();
	explain();
	OK(doctor_would_work(&found));
	for (size_t i = 0; i < found.cnt; i++)
		OK_MSG(found.items[i].level == DOCTOR_GOOD, "%s", found.items[i].text);
	OK(find("calls.some") && strstr(find("calls.some")->text, " 7 times"));
}

static void test_machine(void)
{
	EXPECT(machine.has_btf = machine.features_tried = false, "kernel.btf", DOCTOR_PROBLEM,
	       "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF");
	EXPECT(error_set(&machine.features_error, -ENOTSUP, "refuses BPF"), "kernel.bpf",
	       DOCTOR_PROBLEM, "refuses BPF", "allow BPF");
	EXPECT((error_set(&machine.features_error, -ENOTSUP, "refuses BPF"),
		machine.own_seccomp = 2),
	       "kernel.bpf", DOCTOR_PROBLEM, "refuses BPF", "seccomp=unconfined");
	EXPECT(machine.features_tried = false, "kernel.features", DOCTOR_NOTE, "not tried", "sudo");
	EXPECT(strcpy(machine.lockdown, "confidentiality"), "kernel.lockdown", DOCTOR_PROBLEM,
	       "confidentiality", "lockdown=integrity");
	EXPECT(strcpy(machine.lockdown, "integrity"), "kernel.lockdown", DOCTOR_GOOD, "integrity",
	       "");
	EXPECT(machine.lockdown[0] = '\0', "kernel.lockdown", DOCTOR_GOOD, "no lockdown", "");
	EXPECT(machine.return_probes = RETURN_PROBE_FILTERED, "kernel.return_probes", DOCTOR_NOTE,
	       "uretprobe", "6.14");
	EXPECT(machine.return_probes = RETURN_PROBE_NOT_KNOWN, "kernel.return_probes", DOCTOR_NOTE,
	       "could not", "without a seccomp filter");
	EXPECT((void)0, "sysctl.perf_event_paranoid", DOCTOR_GOOD, "of no importance", "");
	EXPECT((void)0, "sysctl.unprivileged_bpf_disabled", DOCTOR_GOOD, "of no importance", "");
	EXPECT(machine.in_first_pid_ns = false, "self.pid_namespace", DOCTOR_PROBLEM,
	       "namespace of its own", "--pid=host");
	EXPECT(machine.own_seccomp = 2, "self.seccomp", DOCTOR_NOTE, "seccomp filter",
	       "seccomp=unconfined");
}

static void test_features(void)
{
	static const char *const ids[] = { "kernel.session", "kernel.multi", "kernel.cookie",
					   "kernel.dynptr",  "kernel.loop",  "kernel.sleep" };

	for (int i = 0; i < FEATURE_CNT; i++)
		EXPECT(machine.has[i] = false, ids[i], DOCTOR_NOTE, "", "newer kernel");
}

static void test_capabilities(void)
{
	EXPECT(machine.may.bpf = machine.may.sys_admin = false, "capability.bpf", DOCTOR_PROBLEM,
	       "CAP_BPF is missing", "sudo");
	EXPECT(machine.may.perfmon = machine.may.sys_admin = false, "capability.perfmon",
	       DOCTOR_PROBLEM, "CAP_PERFMON is missing", "sudo");
	EXPECT(machine.may.sys_ptrace = false, "capability.sys_ptrace", DOCTOR_PROBLEM,
	       "CAP_SYS_PTRACE is missing", "sudo");
	EXPECT(machine.may.sys_resource = false, "capability.sys_resource", DOCTOR_GOOD, "5.11",
	       "");
	/* It stands for the first two. */
	EXPECT(machine.may.bpf = machine.may.perfmon = false, "capability.bpf", DOCTOR_GOOD,
	       "CAP_BPF", "");
}

static void test_no_process(void)
{
	EXPECT(process.state.exists = false, "process.none", DOCTOR_PROBLEM, "no process 42",
	       "pgrep");
	INT_EQ(found.items[found.cnt - 1].level, DOCTOR_PROBLEM);
	OK_MSG(!find("tls.probed"), "nothing more is said of it");
	EXPECT(process.state.leader = 41, "process.thread", DOCTOR_PROBLEM, "thread of process 41",
	       "-p");
	EXPECT(process.state.has_ended = true, "process.ended", DOCTOR_PROBLEM, "has ended",
	       "plaintap -- PROGRAM");
	EXPECT(process.state.is_kernel_thread = true, "process.kernel_thread", DOCTOR_PROBLEM,
	       "thread of the kernel", "pid of a program");
	EXPECT((error_set(&process.look_error, -EACCES, "cannot look into process 42"),
		process.stack_cnt = process.point_cnt = 0),
	       "process.not_allowed", DOCTOR_PROBLEM, "cannot look", "sudo");
}

static void test_surroundings(void)
{
	EXPECT(process.state.is_32bit = true, "process.32bit", DOCTOR_PROBLEM, "32-bit", "64-bit");
	EXPECT(process.state.other_mount_ns = true, "process.mount_namespace", DOCTOR_NOTE,
	       "mount namespace", "on the host");
	EXPECT(process.state.other_pid_ns = true, "process.pid_namespace", DOCTOR_NOTE,
	       "pid namespace", "host shows");
	EXPECT(process.state.quic_cnt = 1, "process.quic", DOCTOR_NOTE, "QUIC", "HTTP/3 off");
	EXPECT(process.state.ktls_in_use = true, "process.ktls", DOCTOR_NOTE, "kernel TLS",
	       "-KTLS");
}

static void test_seccomp(void)
{
	EXPECT((process.state.seccomp = 2, machine.return_probes = RETURN_PROBE_FILTERED),
	       "process.seccomp", DOCTOR_PROBLEM, "return probes", "6.14");
	EXPECT((process.state.seccomp = 2, machine.return_probes = RETURN_PROBE_NOT_KNOWN),
	       "process.seccomp", DOCTOR_NOTE, "not known", "copy");
	EXPECT(process.state.seccomp = 2, "process.seccomp", DOCTOR_GOOD, "does not see", "");
	EXPECT((process.state.seccomp = 2, machine.return_probes = RETURN_PROBE_NO_SYSCALL),
	       "process.seccomp", DOCTOR_GOOD, "does not see", "");
}

static void not_probed(const char *name, const char *how)
{
	process.stacks[process.stack_cnt] = (struct stack_words){ .advice = "use a build with it" };
	strcpy(process.stacks[process.stack_cnt].name, name);
	strcpy(process.stacks[process.stack_cnt++].how, how);
}

static void test_stacks(void)
{
	EXPECT(process.stack_cnt = process.point_cnt = 0, "tls.none", DOCTOR_PROBLEM,
	       "no TLS library", "child");
	EXPECT((process.stack_cnt = process.point_cnt = 0, process.is_static = true), "tls.static",
	       DOCTOR_PROBLEM, "linked statically", "shared libssl");
	EXPECT((process.stack_cnt = process.point_cnt = 0, process.unreadable_cnt = 2),
	       "tls.unreadable", DOCTOR_PROBLEM, "2 files", "sudo");
	EXPECT((process.stack_cnt = process.point_cnt = 0, not_probed("GnuTLS", "not supported")),
	       "tls.not_probed", DOCTOR_PROBLEM, "GnuTLS", "use a build");
	/* Beside one that can be probed it is only to be known. */
	EXPECT(not_probed("GnuTLS", "not supported"), "tls.not_probed", DOCTOR_NOTE, "GnuTLS",
	       "use a build");
}

static void test_calls(void)
{
	EXPECT(process.points[0].hits = 0, "calls.none", DOCTOR_NOTE, "in 3 s", "--seconds");
	OK_MSG(!find("calls.some"), "an object that is freed is no talk");
	EXPECT((process.points[0].hits = 0, process.child_cnt = 4), "calls.children", DOCTOR_NOTE,
	       "4 child processes", "-p CHILD");
	EXPECT((process.points[0].hits = 0, process.state.tcp_cnt = 0), "calls.no_connection",
	       DOCTOR_NOTE, "no TCP connection", "connect");
	EXPECT(process.ended_meanwhile = true, "process.ended_meanwhile", DOCTOR_NOTE, "ended",
	       "plaintap -- PROGRAM");
	EXPECT((error_set(&process.attach_error, -EPERM, "cannot probe SSL_read"),
		process.point_cnt = 0),
	       "probes.refused", DOCTOR_PROBLEM, "cannot probe", "root");
}

static void test_full(void)
{
	found.cnt = 0;
	for (int i = 0; i < 2 * DOCTOR_FINDING_MAX; i++)
		doctor_add(&found, DOCTOR_NOTE, "x", "y", "%d", i);
	INT_EQ(found.cnt, DOCTOR_FINDING_MAX);
}

int main(void)
{
	RUN(test_all_is_well);
	RUN(test_machine);
	RUN(test_features);
	RUN(test_capabilities);
	RUN(test_no_process);
	RUN(test_surroundings);
	RUN(test_seccomp);
	RUN(test_stacks);
	RUN(test_calls);
	RUN(test_full);
	return tap_done();
}

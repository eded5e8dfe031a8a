// SPDX-License-Identifier: BSD-2-Clause
/* What the facts about a process mean. */
#include <inttypes.h>
#include <stdio.h>

#include "doctor.h"

static const char *name_of(const struct doctor_process *p)
{
	return p->command[0] ? p->command : p->state.comm[0] ? p->state.comm : "the process";
}

/* True: there is nothing more to be said. */
static bool is_no_process(const struct doctor_process *p, struct doctor_findings *f)
{
	const struct process_state *s = &p->state;
	int pid = (int)p->pid;

	if (!s->exists)
		doctor_add(f, DOCTOR_PROBLEM, "process.none",
			   "look the pid up again (pgrep NAME); it is that of the machine's first "
			   "pid namespace, not the one inside a container",
			   "there is no process %d (or it has just ended)", pid);
	else if (s->leader != p->pid)
		doctor_add(f, DOCTOR_PROBLEM, "process.thread",
			   "give the process instead, with -p and its pid",
			   "%d is a thread of process %d", pid, (int)s->leader);
	else if (s->has_ended)
		doctor_add(f, DOCTOR_PROBLEM, "process.ended",
			   "start the program anew: plaintap -- PROGRAM shows all from its first "
			   "byte on",
			   "process %d has ended; only its exit status is left", pid);
	else if (s->is_kernel_thread)
		doctor_add(f, DOCTOR_PROBLEM, "process.kernel_thread", "give the pid of a program",
			   "%d (%s) is a thread of the kernel: it has no TLS library", pid,
			   s->comm);
	else
		return false;
	return true;
}

static void explain_seccomp(const struct doctor_machine *m, const struct doctor_process *p,
			    struct doctor_findings *f)
{
	if (p->state.seccomp <= 0)
		return;
	if (m->return_probes == RETURN_PROBE_FILTERED)
		doctor_add(f, DOCTOR_PROBLEM, "process.seccomp",
			   "run the program without the filter (docker run --security-opt "
			   "seccomp=unconfined), or use Linux 6.12.13, 6.13.2, 6.14 or later",
			   "%s has a seccomp filter, and this kernel shows it the system call of "
			   "return probes: it may end the program",
			   name_of(p));
	else if (m->return_probes == RETURN_PROBE_NOT_KNOWN)
		doctor_add(
			f, DOCTOR_NOTE, "process.seccomp",
			"try with a copy of the program that may be lost",
			"%s has a seccomp filter; whether it sees return probes on this kernel is "
			"not known",
			name_of(p));
	else
		doctor_add(f, DOCTOR_GOOD, "process.seccomp", "",
			   "%s has a seccomp filter, which does not see the probes", name_of(p));
}

static void explain_surroundings(const struct doctor_process *p, struct doctor_findings *f)
{
	const struct process_state *s = &p->state;

	if (s->is_32bit)
		doctor_add(f, DOCTOR_PROBLEM, "process.32bit",
			   "use the 64-bit build of the program",
			   "%s is a 32-bit program; plaintap probes 64-bit ones only", name_of(p));
	if (s->other_mount_ns)
		doctor_add(f, DOCTOR_NOTE, "process.mount_namespace",
			   "run plaintap on the host as root: it opens the libraries that the "
			   "process has mapped itself",
			   "%s sees other files than plaintap (a mount namespace of its own, as "
			   "containers have): paths of libraries are those inside",
			   name_of(p));
	if (s->other_pid_ns)
		doctor_add(f, DOCTOR_NOTE, "process.pid_namespace",
			   "use the pid that the host shows, not the one inside",
			   "%s runs in a pid namespace of its own: it knows itself by another pid",
			   name_of(p));
	if (s->quic_cnt)
		doctor_add(
			f, DOCTOR_NOTE, "process.quic",
			"turn HTTP/3 off in the program or on the server, so that it takes "
			"HTTP/1.1 or HTTP/2",
			"%s has %u UDP sockets with port 443: QUIC (HTTP/3) does not pass through "
			"the functions that are probed, and is not seen",
			name_of(p), s->quic_cnt);
	if (s->ktls_in_use)
		doctor_add(
			f, DOCTOR_NOTE, "process.ktls",
			"turn kernel TLS off if something is missing (OpenSSL: Options = -KTLS)",
			"kernel TLS is in use in the network namespace of %s: what a program gives "
			"straight to such a socket passes no library and is not seen",
			name_of(p));
}

static size_t count_probed(const struct doctor_process *p)
{
	size_t cnt = 0;

	for (size_t i = 0; i < p->stack_cnt; i++)
		cnt += p->stacks[i].is_probed;
	return cnt;
}

static void explain_no_stack(const struct doctor_process *p, struct doctor_findings *f)
{
	if (p->unreadable_cnt)
		doctor_add(
			f, DOCTOR_PROBLEM, "tls.unreadable",
			"run it as root (sudo plaintap doctor …); if a library was replaced on "
			"disk, restart the program",
			"%zu files that %s has mapped could not be opened: its TLS library may be "
			"among them",
			p->unreadable_cnt, name_of(p));
	else if (p->is_static)
		doctor_add(
			f, DOCTOR_PROBLEM, "tls.static",
			"use a build of the program with a shared libssl, if it speaks TLS at all",
			"%s is linked statically, and no TLS that is known was found inside it",
			name_of(p));
	else
		doctor_add(
			f, DOCTOR_PROBLEM, "tls.none",
			"check that this is the process that speaks TLS (a child or a proxy may do "
			"it), or that it has opened its first TLS connection",
			"%s has no TLS library loaded", name_of(p));
}

/* What cannot be probed is a problem only where nothing else can. */
static void explain_stacks(const struct doctor_process *p, struct doctor_findings *f)
{
	size_t probed = count_probed(p);

	for (size_t i = 0; i < p->stack_cnt; i++) {
		const struct stack_words *w = &p->stacks[i];

		if (w->is_probed)
			doctor_add(f, DOCTOR_GOOD, "tls.probed", "", "%s (%s): %s", w->name,
				   w->path, w->how);
		else
			doctor_add(f, probed ? DOCTOR_NOTE : DOCTOR_PROBLEM, "tls.not_probed",
				   w->advice, "%s (%s): %s", w->name, w->path, w->how);
	}
	if (!p->stack_cnt && !p->look_error.code)
		explain_no_stack(p, f);
}

/* Of those that move bytes: objects are also cleared and freed without a word having passed. */
static uint64_t all_hits(const struct doctor_process *p)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < p->point_cnt; i++)
		hits += p->points[i].moves_bytes ? p->points[i].hits : 0;
	return hits;
}

static void explain_silence(const struct doctor_process *p, struct doctor_findings *f)
{
	if (p->child_cnt)
		doctor_add(
			f, DOCTOR_NOTE, "calls.children",
			"look at a child with plaintap doctor -p CHILD; a capture with -p watches "
			"them all",
			"%s has %u child processes, which may be those that speak", name_of(p),
			p->child_cnt);
	if (p->state.sockets_known && !p->state.tcp_cnt && !p->command[0])
		doctor_add(f, DOCTOR_NOTE, "calls.no_connection",
			   "make it connect, or look for the process that does (ss -tp)",
			   "%s has no TCP connection open", name_of(p));
	doctor_add(f, DOCTOR_NOTE, "calls.none",
		   "make the program say something meanwhile, or look for longer: --seconds 30",
		   "nothing was sent or received in %u s: no probed function was called",
		   p->seconds);
}

static void explain_calls(const struct doctor_process *p, struct doctor_findings *f)
{
	uint64_t hits = all_hits(p);

	if (p->attach_error.code)
		doctor_add(f, DOCTOR_PROBLEM, "probes.refused",
			   "check the capabilities and the kernel above; run it as root", "%s",
			   p->attach_error.text);
	if (p->ended_meanwhile && !p->command[0])
		doctor_add(f, DOCTOR_NOTE, "process.ended_meanwhile",
			   "start the program under plaintap to see all of it: plaintap -- PROGRAM",
			   "%s ended while it was looked at", name_of(p));
	if (!p->seconds || !p->point_cnt)
		return;
	if (hits)
		doctor_add(f, DOCTOR_GOOD, "calls.some", "",
			   "reading and writing functions were called %" PRIu64
			   " times: plaintap would show what passed",
			   hits);
	else if (count_probed(p))
		explain_silence(p, f);
}

void doctor_explain_process(const struct doctor_machine *m, const struct doctor_process *p,
			    struct doctor_findings *f)
{
	if (is_no_process(p, f))
		return;
	if (p->look_error.code)
		doctor_add(f, DOCTOR_PROBLEM, "process.not_allowed",
			   "run it as root (sudo plaintap doctor …)", "%s", p->look_error.text);
	explain_surroundings(p, f);
	explain_seccomp(m, p, f);
	explain_stacks(p, f);
	explain_calls(p, f);
}

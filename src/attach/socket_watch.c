// SPDX-License-Identifier: BSD-2-Clause
#include "socket_watch.h"

#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "proc.skel.h"

void socket_watch_prepare(struct proc_bpf *proc)
{
	bpf_program__set_autoattach(proc->progs.proc_received, false);
	bpf_program__set_autoattach(proc->progs.proc_received_tcp, false);
	bpf_program__set_autoattach(proc->progs.proc_reset_received, false);
	bpf_program__set_autoattach(proc->progs.proc_reset_sent, false);
	bpf_program__set_autoattach(proc->progs.proc_socket_error, false);
}

/* For addresses. */
static void watch_received(struct proc_bpf *proc)
{
	proc->links.proc_received = bpf_program__attach(proc->progs.proc_received);
	if (proc->links.proc_received)
		return;
	log_say(LOG_INFO, "this kernel does not tell what is received from Unix sockets (%s)",
		strerror(errno));
	proc->links.proc_received_tcp = bpf_program__attach(proc->progs.proc_received_tcp);
	if (!proc->links.proc_received_tcp)
		log_say(LOG_INFO, "this kernel does not tell when TCP data are received (%s)",
			strerror(errno));
}

/* For ends. The last one is not there before 5.15. */
static void watch_fates(struct proc_bpf *proc)
{
	proc->links.proc_reset_received = bpf_program__attach(proc->progs.proc_reset_received);
	proc->links.proc_reset_sent = bpf_program__attach(proc->progs.proc_reset_sent);
	if (!proc->links.proc_reset_received || !proc->links.proc_reset_sent)
		log_say(LOG_INFO, "this kernel does not tell of TCP resets (%s)", strerror(errno));
	proc->links.proc_socket_error = bpf_program__attach(proc->progs.proc_socket_error);
	if (!proc->links.proc_socket_error)
		log_say(LOG_INFO, "this kernel does not tell when TCP sockets time out (%s)",
			strerror(errno));
}

void socket_watch_attach(struct proc_bpf *proc)
{
	watch_received(proc);
	watch_fates(proc);
}

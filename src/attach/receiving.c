// SPDX-License-Identifier: BSD-2-Clause
#include "receiving.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "proc.skel.h"
#include "records.h"

#define LINGER_NS UINT64_C(5000000000)

void receiving_init(struct receiving *r, struct proc_bpf *proc)
{
	*r = (struct receiving){ .proc = proc };
	bpf_program__set_autoattach(proc->progs.proc_received, false);
	bpf_program__set_autoattach(proc->progs.proc_received_tcp, false);
}

/* A thread that has become a receiver looks at this to know whether to wait. */
static void tell(struct receiving *r, enum receiving_when when)
{
	__atomic_store_n(&r->control->receiving, when, __ATOMIC_SEQ_CST);
}

static bool is_needed(const struct receiving *r)
{
	return __atomic_load_n(&r->control->receiver_cnt, __ATOMIC_SEQ_CST);
}

/* NULL: this kernel cannot do it. Then some connections have no address; nothing else is missing.
 */
static struct bpf_link *place(struct receiving *r)
{
	struct bpf_link *link = bpf_program__attach(r->proc->progs.proc_received);

	r->control->sees_all_sockets = link != NULL;
	if (link)
		return link;
	log_say(LOG_INFO, "this kernel does not tell what is received from Unix sockets (%s)",
		strerror(errno));
	link = bpf_program__attach(r->proc->progs.proc_received_tcp);
	if (!link)
		log_say(LOG_INFO, "this kernel does not tell when TCP data are received (%s)",
			strerror(errno));
	return link;
}

/* What cannot be placed counts as placed: nobody is to wait for it. */
static void attach(struct receiving *r, enum receiving_when when)
{
	if (!r->link)
		r->link = place(r);
	if (!r->link)
		r->is_for_good = true;
	tell(r, when);
}

/* Who needs it from now on waits, or has been counted before. */
static void detach(struct receiving *r)
{
	tell(r, RECEIVING_NOT);
	if (is_needed(r)) {
		tell(r, RECEIVING_OF_RECEIVERS);
		return;
	}
	r->control->sees_all_sockets = 0;
	bpf_link__destroy(r->link);
	r->link = NULL;
	log_say(LOG_INFO, "nobody needs any more that what programs receive is looked at");
}

void receiving_open(struct receiving *r, struct capture_control *control, bool on_demand)
{
	r->control = control;
	if (on_demand)
		return;
	attach(r, RECEIVING_OF_ALL);
	r->is_for_good = true;
}

void receiving_of_all(struct receiving *r, uint64_t now_ns)
{
	if (r->is_for_good)
		return;
	r->all_until_ns = now_ns + LINGER_NS;
	attach(r, RECEIVING_OF_ALL);
}

void receiving_of_process(struct receiving *r, pid_t pid, uint64_t now_ns)
{
	if (r->is_for_good || r->link)
		return;
	log_say(LOG_INFO,
		"what programs receive is looked at from now on: process %d needs it, for the "
		"sockets of its connections",
		(int)pid);
	r->needed_until_ns = now_ns + LINGER_NS;
	attach(r, RECEIVING_OF_RECEIVERS);
}

int receiving_receivers_fd(const struct receiving *r)
{
	return bpf_map__fd(r->proc->maps.receivers);
}

void receiving_forget(struct receiving *r, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	if (bpf_map_delete_elem(receiving_receivers_fd(r), &key))
		return;
	__atomic_sub_fetch(&r->control->receiver_slots[key % RECEIVER_SLOT_CNT], 1,
			   __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&r->control->receiver_cnt, 1, __ATOMIC_SEQ_CST);
}

void receiving_look(struct receiving *r, uint64_t now_ns)
{
	if (r->is_for_good)
		return;
	if (is_needed(r)) {
		r->needed_until_ns = now_ns + LINGER_NS;
		if (!r->link ||
		    (r->control->receiving == RECEIVING_OF_ALL && now_ns >= r->all_until_ns))
			attach(r, RECEIVING_OF_RECEIVERS);
	} else if (r->link && now_ns >= r->all_until_ns && now_ns >= r->needed_until_ns) {
		detach(r);
	}
}

void receiving_close(struct receiving *r)
{
	bpf_link__destroy(r->link);
	r->link = NULL;
}

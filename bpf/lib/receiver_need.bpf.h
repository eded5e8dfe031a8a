/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When a process becomes one of the receivers: its first connection gets a BIO without a descriptor
 * to read by (before any hello can have been given to that), or has a first call and its object
 * does not lead to a socket. If what is received is not looked at then, user space is told, and the
 * thread waits until it is. Only where threads can wait: elsewhere it is looked at all the time.
 */
#ifndef PLAINTAP_BPF_RECEIVER_NEED_H
#define PLAINTAP_BPF_RECEIVER_NEED_H

#include "conn.bpf.h"
#include "hold.bpf.h"
#include "layout.bpf.h"
#include "load_record.h"
#include "receivers.bpf.h"
#include "socket.bpf.h"
#include "watch.bpf.h"

#define RECEIVER_HOLD_NS 500000000ull

/* Lost: user space sees by the count that there are receivers, a little later. */
static __always_inline void receiver_tell_and_wait(u64 pid_tgid)
{
	struct rec_load rec = {
		.head = { REC_LOAD, sizeof(rec), bpf_ktime_get_ns() },
		.why = LOAD_RECEIVER,
		.pid = pid_tgid >> 32,
		.tid = (u32)pid_tgid,
	};

	rec.is_held = hold_begin(pid_tgid, rec.head.ts_ns);
	if (bpf_ringbuf_output(&ring, &rec, sizeof(rec), BPF_RB_FORCE_WAKEUP)) {
		STATS_ADD(records_ring_full, 1);
		hold_cancel(pid_tgid);
	} else if (rec.is_held) {
		hold_wait(pid_tgid, RECEIVER_HOLD_NS);
	}
}

/*
 * The running process needs it. A global function, as the next two: looked at once. As these may
 * sleep, a program that may not must not even call them: `may_hold` is to be asked before.
 */
__noinline int receiver_need(u64 pid_tgid)
{
	struct capture_control *c = control_get();
	u32 pid = pid_tgid >> 32;

	if (!may_hold || !c)
		return 0;
	receiver_add(c, pid);
	if (*(volatile u32 *)&c->receiving == RECEIVING_NOT)
		receiver_tell_and_wait(pid_tgid);
	return 0;
}

/* A connection of the running process is about to read by `bio`. */
__noinline int receiver_see_bio(u32 target, u64 bio, u64 pid_tgid)
{
	if (may_hold && bio && process_may_be_watched(pid_tgid >> 32) &&
	    !layout_is_descriptor(target, bio))
		receiver_need(pid_tgid);
	return 0;
}

/* The first call on a connection of the running process, which is watched, begins. */
__noinline int receiver_see_conn(u64 object, u64 pid_tgid, u32 dir)
{
	struct capture_control *c = control_get();
	struct conn_state *conn = conn_find(object, pid_tgid >> 32);
	int fd;

	if (!may_hold || !c || !conn)
		return 0;
	if (*(volatile u32 *)&c->receiving && receiver_is(c, pid_tgid >> 32))
		return 0;
	fd = layout_fd(conn->target, object, dir);
	if (fd < 0 || !socket_of_fd(fd))
		receiver_need(pid_tgid);
	return 0;
}

#endif

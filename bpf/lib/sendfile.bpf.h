/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls that send a piece of a file (SSL_sendfile over kernel TLS): the bytes never come into the
 * program's memory, so only their number and place are told, and user space reads the file.
 *
 * The program may close or change the file right after the call, so it is stopped until that is
 * done where it may be stopped. Which file it is is noted when the call begins: a descriptor that
 * another thread closes and opens anew meanwhile is then seen to stand for another one.
 */
#ifndef PLAINTAP_BPF_SENDFILE_H
#define PLAINTAP_BPF_SENDFILE_H

#include "conn.bpf.h"
#include "file.bpf.h"

static __always_inline void sendfile_begin(struct conn_state *conn, u64 fd, u64 file_off)
{
	struct file_id id = {};

	file_identify(fd, &id);
	conn->file = id;
	conn->buf[REC_SENT] = (u32)fd;
	conn->done[REC_SENT] = file_off;
}

/* A stopped program waits for the consumer, and the file of a running one may go: no nap now. */
static __always_inline void sendfile_hurry(struct capture_control *c)
{
	if (c->consumer == CONSUMER_NAPPING)
		c->consumer = CONSUMER_ASLEEP;
}

/* False: the ring is full. `may_loop`: see send_all(). */
static __always_inline bool sendfile_tell(struct pause_try *t, bool may_loop)
{
	struct capture_control *c = control_get();

	if (c) {
		sendfile_hurry(c);
		if (stand_and_tell(c, t, true, may_loop))
			return true;
	}
	t->rec.where = PENDING_IN_FILE_RUNNING;
	t->rec.last_try = true;
	return emit_fixed(&t->rec, sizeof(t->rec));
}

/* `len` bytes of the file passed. */
static __always_inline void sendfile_end(struct conn_state *conn, u64 len, u64 pid_tgid,
					 bool may_loop)
{
	struct pause_try t = {};

	if (!len)
		return;
	t.rec.head.type = REC_PENDING;
	t.rec.head.size = sizeof(t.rec);
	t.rec.head.ts_ns = bpf_ktime_get_ns();
	t.rec.conn = conn->id;
	t.rec.off = conn->off[REC_SENT];
	t.rec.len = len;
	t.rec.pid = pid_tgid >> 32;
	t.rec.tid = (u32)pid_tgid;
	t.rec.target = conn->target;
	t.rec.dir = REC_SENT;
	t.rec.gap_causes = conn->gap_causes[REC_SENT];
	t.rec.file = conn->file;
	t.rec.fd = conn->buf[REC_SENT];
	t.rec.file_off = conn->done[REC_SENT];
	conn->off[REC_SENT] += len;
	conn->tid = (u32)pid_tgid;
	STATS_ADD(calls, 1);
	STATS_ADD(bytes_seen, len);
	if (sendfile_tell(&t, may_loop)) {
		STATS_ADD(bytes_sent, len);
		conn->gap_causes[REC_SENT] = 0;
	} else {
		STATS_ADD(bytes_ring_full, len);
		conn->gap_causes[REC_SENT] |= REC_GAP_RING_FULL;
	}
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Checks a place inside a library against the exported functions in front of it: during the first
 * calls, did the connection's count grow by exactly what the exported function returned?
 *
 * The probes that capture know nothing of this and pay nothing for it. A call that passes the
 * exported function and is judged: its number of bytes at entry is remembered here, per thread.
 *
 * What a call moved and the probes inside did not count is counted here: a hole of known length. So
 * the judging goes on after the first wrong call, for all calls that the exported functions' own
 * probes, once they are there, have not seen to begin.
 */
#ifndef PLAINTAP_BPF_WITNESS_H
#define PLAINTAP_BPF_WITNESS_H

#include "conn.bpf.h"
#include "watch.bpf.h"
#include "conn_record.h"
#include "witness.h"

/* One call of an exported function under way. */
struct witnessed_call {
	u64 frame; /* the caller's stack pointer: the same at entry and return */
	u64 object;
	u64 conn; /* its id at entry; 0: not known then */
	u64 off;  /* its count at entry */
	u64 done; /* where the length will be */
};

/*
 * Key: pid and tid. Filled at entry, deleted on return; what never returns is overwritten by the
 * thread's next call, or stays (few: the check ends soon). Full: the call is not judged.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct witnessed_call);
} witnessed_calls SEC(".maps");

/* Key: WITNESS_KEY(). User space adds an entry to begin the check, and deletes it to end it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct witness_counts);
} witnesses SEC(".maps");

static __always_inline struct witness_counts *witness_find(u32 target, u8 dir)
{
	u64 key = WITNESS_KEY(target, dir);

	return bpf_map_lookup_elem(&witnesses, &key);
}

/* `call`: frame, object and done of the call that begins. True when its return is wanted. */
static __always_inline bool witness_enter(struct witnessed_call *call, u64 pid_tgid, u32 target,
					  u8 dir)
{
	struct witness_counts *counts = witness_find(target, dir);
	struct conn_state *conn;

	if (!counts || dir >= REC_DIR_CNT || (counts->calls >= WITNESS_CALLS && !counts->wrong))
		return false;
	conn = conn_find(call->object, pid_tgid >> 32);
	if (conn && conn->taken_over[dir])
		return false;
	if (conn) {
		call->conn = conn->id;
		call->off = conn->off[dir];
	}
	return !bpf_map_update_elem(&witnessed_calls, &pid_tgid, call, BPF_ANY);
}

/* False: the entry of this call was not seen. */
static __always_inline bool witness_take_call(u64 pid_tgid, u64 frame, struct witnessed_call *ret)
{
	struct witnessed_call *call = bpf_map_lookup_elem(&witnessed_calls, &pid_tgid);

	if (!call || call->frame != frame)
		return false;
	*ret = *call;
	return !bpf_map_delete_elem(&witnessed_calls, &pid_tgid);
}

static __always_inline void witness_count_missing(struct conn_state *conn, u8 dir, u64 len)
{
	conn->off[dir] += len;
	conn->gap_causes[dir] |= REC_GAP_NOT_FOLLOWED;
	STATS_ADD(bytes_seen, len);
	STATS_ADD(bytes_not_followed, len);
}

/* The connection, or a new one if the call moved bytes and nobody has seen it so far. */
static __always_inline struct conn_state *witness_conn(const struct witnessed_call *call, u64 len,
						       u32 pid, u32 target)
{
	struct conn_state *conn = conn_find(call->object, pid);

	if (conn || call->conn || !len || !process_is_watched(pid))
		return conn;
	return conn_add(call->object, pid, target);
}

/* The exported function says that it moved `len` bytes. */
static __always_inline void witness_judge(const struct witnessed_call *call, u64 len, u64 pid_tgid,
					  u32 target, u8 dir)
{
	struct witness_counts *counts = witness_find(target, dir);
	struct conn_state *conn = witness_conn(call, len, pid_tgid >> 32, target);
	u64 seen = 0;

	if (!counts || dir >= REC_DIR_CNT)
		return;
	/* Another connection at the same address by now, or none: nothing can be said. */
	if (call->conn && (!conn || conn->id != call->conn))
		return;
	if (conn && (conn->info == CONN_FILTERED || conn->taken_over[dir]))
		return;
	if (conn)
		seen = conn->off[dir] - call->off;
	if (!seen && !len)
		return;
	if (seen != len)
		__sync_fetch_and_add(&counts->wrong, 1);
	if (seen > len || (seen < len && !conn))
		STATS_ADD(states_dropped, 1);
	if (seen < len) {
		__sync_fetch_and_add(&counts->bytes_missed, len - seen);
		if (conn)
			witness_count_missing(conn, dir, len - seen);
	}
	__sync_fetch_and_add(&counts->calls, 1);
}

#endif

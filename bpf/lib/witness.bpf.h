/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Checks a place inside a library against the exported functions in front of it: during the first
 * calls, did the connection's count grow by exactly what the exported function returned?
 *
 * The probes that capture know nothing of this and pay nothing for it. A call that passes the
 * exported function and is judged: its number of bytes at entry is remembered here, per thread.
 */
#ifndef PLAINTAP_BPF_WITNESS_H
#define PLAINTAP_BPF_WITNESS_H

#include "conn.bpf.h"
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

	if (!counts || counts->calls >= WITNESS_CALLS || dir >= REC_DIR_CNT)
		return false;
	conn = conn_find(call->object, pid_tgid >> 32);
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

/* The exported function says that it moved `len` bytes. */
static __always_inline void witness_judge(const struct witnessed_call *call, u64 len, u64 pid_tgid,
					  u32 target, u8 dir)
{
	struct witness_counts *counts = witness_find(target, dir);
	struct conn_state *conn = conn_find(call->object, pid_tgid >> 32);
	u64 seen = 0;

	if (!counts || dir >= REC_DIR_CNT)
		return;
	/* Another connection at the same address by now, or none: nothing can be said. */
	if (call->conn && (!conn || conn->id != call->conn))
		return;
	if (conn && conn->info == CONN_FILTERED)
		return;
	if (conn)
		seen = conn->off[dir] - call->off;
	if (!seen && !len)
		return;
	if (seen != len) {
		__sync_fetch_and_add(&counts->wrong, 1);
		STATS_ADD(states_dropped, 1);
		if (seen < len)
			__sync_fetch_and_add(&counts->bytes_missed, len - seen);
	}
	__sync_fetch_and_add(&counts->calls, 1);
}

#endif

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Reads and writes of TLS libraries: uprobes at the entry and the return of the functions that
 * `discover` found. Plaintext is read on return, with the length that the call really had, so a
 * call that failed or is retried neither loses nor repeats a byte.
 *
 * The same logic hangs on three kinds of links, whichever the kernel gives:
 *   tls_session                one link for entry and return, the kernel pairs them (6.13)
 *   tls_entry, tls_return      two links with cookies (uprobe multi, or perf events, 5.15)
 *   tls_<role>_<entry|return>  one program per convention, for kernels without cookies
 *
 * Where a place inside the library is probed, the tls_witness_* programs hang on the exported
 * functions during the first calls, and check what was captured against their results. If these
 * differ, the same programs as inside hang on the exported functions too, with
 * PROBE_COOKIE_TAKES_OVER (or as tls_over_*). Both stay: a call that was under way is followed to
 * its end from where it was seen to begin; one that begins in the exported function is followed
 * there, and the place inside, which it comes to later, leaves it alone.
 */
#include "lib/call.bpf.h"
#include "lib/closing.bpf.h"
#include "lib/conn.bpf.h"
#include "lib/describe.bpf.h"
#include "lib/home.bpf.h"
#include "lib/receiver_need.bpf.h"
#include "lib/regs.bpf.h"
#include "lib/sendfile.bpf.h"
#include "lib/watch.bpf.h"
#include "lib/witness.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* In conn_state.len_from: the result, of a call that sends a file. */
enum { LEN_OF_FILE = 0xff };

static __always_inline u8 role_dir(u32 role)
{
	return role == ROLE_READ ? REC_RECEIVED : REC_SENT;
}

/* What a call's registers say on entry, read at once: the verifier dislikes conditional reads. */
struct entry_args {
	u64 object, buf, arg2, arg3, arg4, frame;
};

static __always_inline struct entry_args entry_args_read(struct pt_regs *ctx)
{
	struct entry_args a = {
		.object = REGS_ARG0(ctx),
		.buf = REGS_ARG1(ctx),
		.arg2 = REGS_ARG2(ctx),
		.arg3 = REGS_ARG3(ctx),
		.arg4 = REGS_ARG4(ctx),
		.frame = REGS_ENTRY_FRAME(ctx),
	};

	return a;
}

/*
 * What is kept from entry to return: the object, and the direction in a bit that is 0 in the
 * address of any object that an allocator made.
 */
enum { CALL_DIR_BIT = 1 };

/* By what it is not: with the role known for sure the verifier would look at all calls thrice. */
static __always_inline bool role_is_call(u32 role)
{
	return role != ROLE_FREE && role != ROLE_CLEAR && role != ROLE_SHUTDOWN &&
	       role != ROLE_SET_BIO;
}

/* Of what has no return: `arg` is the argument behind the object. */
static __always_inline void tls_note(u64 spec, u64 object, u64 arg, u64 pid_tgid, bool may_loop)
{
	u32 role = PROBE_COOKIE_ROLE(spec);

	if (role == ROLE_SET_BIO) {
		if (may_loop && may_hold)
			receiver_see_bio(PROBE_COOKIE_TARGET(spec), arg, pid_tgid);
	} else if (role == ROLE_SHUTDOWN) {
		closing_is_set(object, pid_tgid >> 32, arg);
	} else if (role == ROLE_FREE || conn_is_used(object, pid_tgid >> 32)) {
		closing_end(object, pid_tgid, role == ROLE_CLEAR, may_loop);
	}
}

/* The first call on a connection: its thread may be kept waiting, and other threads not. */
static __always_inline struct conn_state *tls_begin(u64 object, u64 pid_tgid, u64 spec,
						    bool may_loop)
{
	if (!conn_add(object, pid_tgid >> 32, PROBE_COOKIE_TARGET(spec)))
		return NULL;
	if (may_loop && may_hold)
		receiver_see_conn(object, pid_tgid, role_dir(PROBE_COOKIE_ROLE(spec)));
	return conn_find(object, pid_tgid >> 32);
}

/* What the return needs; 0: the return is not wanted. `may_loop`: see send_all(). */
static __always_inline u64 tls_enter(const struct entry_args *a, u64 pid_tgid, u64 spec,
				     bool may_loop)
{
	u32 role = PROBE_COOKIE_ROLE(spec);
	u8 dir = role_dir(role);
	struct conn_state *conn;

	if (!role_is_call(role)) {
		tls_note(spec, a->object, a->buf, pid_tgid, may_loop);
		return 0;
	}
	conn = conn_find(a->object, pid_tgid >> 32);
	if (!conn) {
		if (!process_is_watched(pid_tgid >> 32))
			return 0;
		conn = tls_begin(a->object, pid_tgid, spec, may_loop);
	}
	if (!conn || a->object & CALL_DIR_BIT) {
		STATS_ADD(states_dropped, 1);
		return 0;
	}
	if (spec & PROBE_COOKIE_TAKES_OVER)
		conn->taken_over[dir] = 1;
	else if (conn->taken_over[dir])
		return 0;
	if (conn->info != CONN_TOLD) {
		if (conn->info == CONN_FILTERED)
			return 0;
		conn_describe_begin(pid_tgid);
	}
	if (role == ROLE_SENDFILE) {
		sendfile_begin(conn, a->buf, a->arg2);
		conn->len_from[dir] = LEN_OF_FILE;
		return a->object | dir;
	}
	conn->buf[dir] = a->buf;
	conn->done[dir] = PROBE_COOKIE_LEN_FROM(spec) == LEN_AT_ARG4 ? a->arg4 : a->arg3;
	conn->len_from[dir] = PROBE_COOKIE_LEN_FROM(spec);
	return a->object | dir;
}

/* How many bytes the call moved; 0 for a failed one. */
static __always_inline u64 call_len(u64 result, u32 len_from, u64 done_addr)
{
	u64 len = 0;

	if (len_from == LEN_RESULT)
		return (int)result > 0 ? (u32)result : 0;
	if ((int)result != 1)
		return 0;
	if (bpf_probe_read_user(&len, sizeof(len), (void *)done_addr)) {
		STATS_ADD(states_dropped, 1);
		return 0;
	}
	return len;
}

static __always_inline void describe_with_room(u64 object, u64 pid_tgid, u64 len, u8 dir,
					       bool may_loop)
{
	u64 room = 0;

	if (len)
		room = room_take(room_of_record(sizeof(struct rec_conn_info)), may_loop);
	conn_describe_end(object, pid_tgid, len, dir);
	room_give(room, may_loop);
}

static __always_inline void tls_leave(u64 result, u64 call, u64 pid_tgid, bool may_loop)
{
	u64 object = call & ~(u64)CALL_DIR_BIT;
	u8 dir = call & CALL_DIR_BIT;
	struct conn_state *conn = conn_find(object, pid_tgid >> 32);
	bool is_file;
	u64 len;

	/* Here, and going on: anywhere else the verifier looks at the rest once more. */
	if (!(u32)result && dir == REC_RECEIVED)
		closing_is_read(object, pid_tgid >> 32);
	if (!conn)
		return;
	is_file = conn->len_from[dir] == LEN_OF_FILE;
	len = call_len(result, is_file ? LEN_RESULT : conn->len_from[dir], conn->done[dir]);
	if (conn->info != CONN_TOLD) {
		describe_with_room(object, pid_tgid, len, dir, may_loop);
		if (conn->info == CONN_FILTERED)
			return;
	}
	if (is_file)
		sendfile_end(conn, len, pid_tgid, may_loop);
	else
		conn_bytes(conn, dir, conn->buf[dir], len, pid_tgid, may_loop);
}

/*
 * As few calls of the kernel as possible: each costs more than it looks. So the half is known by
 * the session's cookie, which the kernel gives as 0 on entry and which is never left so for a
 * return.
 */
SEC("uprobe")
int tls_session(struct pt_regs *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u64 result = REGS_RESULT(ctx);
	struct entry_args a = entry_args_read(ctx);
	u64 *call = bpf_session_cookie(ctx);
	u64 spec;

	keep_kernel_stack(ctx);
	if (!call)
		return 1;
	if (*call) {
		tls_leave(result, *call, pid_tgid, true);
		return 0;
	}
	spec = bpf_get_attach_cookie(ctx);
	if (home_sees_it(spec, pid_tgid >> 32))
		return 1;
	*call = tls_enter(&a, pid_tgid, spec, true);
	return *call ? 0 : 1;
}

static __always_inline int pair_entry(struct pt_regs *ctx, u64 spec, bool may_loop)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct entry_args a = entry_args_read(ctx);
	u64 call;

	keep_kernel_stack(ctx);
	if (home_sees_it(spec, pid_tgid >> 32))
		return 0;
	call = tls_enter(&a, pid_tgid, spec, may_loop);
	if (call && !call_enter(pid_tgid, a.frame, call))
		STATS_ADD(states_dropped, 1);
	return 0;
}

static __always_inline int pair_return(struct pt_regs *ctx, bool may_loop)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u64 result = REGS_RESULT(ctx);
	u64 call;

	keep_kernel_stack(ctx);
	call = call_leave(pid_tgid, REGS_RETURN_FRAME(ctx));
	if (call)
		tls_leave(result, call, pid_tgid, may_loop);
	return 0;
}

SEC("uprobe")
int tls_entry(struct pt_regs *ctx)
{
	return pair_entry(ctx, bpf_get_attach_cookie(ctx), true);
}

SEC("uprobe")
int tls_return(struct pt_regs *ctx)
{
	return pair_return(ctx, true);
}

static __always_inline bool call_witnessed_enter(const struct entry_args *a, u64 pid_tgid, u64 spec)
{
	struct witnessed_call call = {
		.frame = a->frame,
		.object = a->object,
		.done = PROBE_COOKIE_LEN_FROM(spec) == LEN_AT_ARG4 ? a->arg4 : a->arg3,
	};

	return witness_enter(&call, pid_tgid, PROBE_COOKIE_TARGET(spec),
			     role_dir(PROBE_COOKIE_ROLE(spec)));
}

static __always_inline void call_witnessed_leave(u64 result, u64 frame, u64 pid_tgid, u64 spec)
{
	struct witnessed_call call;

	if (!witness_take_call(pid_tgid, frame, &call))
		return;
	witness_judge(&call, call_len(result, PROBE_COOKIE_LEN_FROM(spec), call.done), pid_tgid,
		      PROBE_COOKIE_TARGET(spec), role_dir(PROBE_COOKIE_ROLE(spec)));
}

SEC("uprobe")
int tls_witness_session(struct pt_regs *ctx)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	u64 spec = bpf_get_attach_cookie(ctx);
	u64 result = REGS_RESULT(ctx), frame = REGS_RETURN_FRAME(ctx);
	struct entry_args a = entry_args_read(ctx);

	keep_kernel_stack(ctx);
	if (bpf_session_is_return(ctx)) {
		call_witnessed_leave(result, frame, pid_tgid, spec);
		return 0;
	}
	if (!process_is_watched(pid_tgid >> 32))
		return 1;
	return call_witnessed_enter(&a, pid_tgid, spec) ? 0 : 1;
}

static __always_inline int witness_pair_entry(struct pt_regs *ctx, u64 spec)
{
	u64 pid_tgid = bpf_get_current_pid_tgid();
	struct entry_args a = entry_args_read(ctx);

	keep_kernel_stack(ctx);
	if (process_is_watched(pid_tgid >> 32))
		call_witnessed_enter(&a, pid_tgid, spec);
	return 0;
}

static __always_inline int witness_pair_return(struct pt_regs *ctx, u64 spec)
{
	keep_kernel_stack(ctx);
	call_witnessed_leave(REGS_RESULT(ctx), REGS_RETURN_FRAME(ctx), bpf_get_current_pid_tgid(),
			     spec);
	return 0;
}

SEC("uprobe")
int tls_witness_entry(struct pt_regs *ctx)
{
	return witness_pair_entry(ctx, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int tls_witness_return(struct pt_regs *ctx)
{
	return witness_pair_return(ctx, bpf_get_attach_cookie(ctx));
}

/*
 * The target is not known here: user space then takes the only one there is. Kernels without
 * cookies (5.14) have no loops by callback (5.17) either.
 */
#define TLS_PLAIN_UNCHECKED(name, role, len_from)                               \
	SEC("uprobe")                                                           \
	int tls_##name##_entry(struct pt_regs *ctx)                             \
	{                                                                       \
		return pair_entry(ctx, PROBE_COOKIE(role, len_from, 0), false); \
	}                                                                       \
	SEC("uprobe")                                                           \
	int tls_##name##_return(struct pt_regs *ctx)                            \
	{                                                                       \
		return pair_return(ctx, false);                                 \
	}

#define TLS_PLAIN(name, role, len_from)                                                           \
	TLS_PLAIN_UNCHECKED(name, role, len_from)                                                 \
	SEC("uprobe")                                                                             \
	int tls_over_##name##_entry(struct pt_regs *ctx)                                          \
	{                                                                                         \
		return pair_entry(ctx, PROBE_COOKIE(role, len_from, 0) | PROBE_COOKIE_TAKES_OVER, \
				  false);                                                         \
	}                                                                                         \
	SEC("uprobe")                                                                             \
	int tls_witness_##name##_entry(struct pt_regs *ctx)                                       \
	{                                                                                         \
		return witness_pair_entry(ctx, PROBE_COOKIE(role, len_from, 0));                  \
	}                                                                                         \
	SEC("uprobe")                                                                             \
	int tls_witness_##name##_return(struct pt_regs *ctx)                                      \
	{                                                                                         \
		return witness_pair_return(ctx, PROBE_COOKIE(role, len_from, 0));                 \
	}

TLS_PLAIN(read_result, ROLE_READ, LEN_RESULT)
TLS_PLAIN(write_result, ROLE_WRITE, LEN_RESULT)
TLS_PLAIN(read_arg3, ROLE_READ, LEN_AT_ARG3)
TLS_PLAIN(write_arg3, ROLE_WRITE, LEN_AT_ARG3)
TLS_PLAIN(write_arg4, ROLE_WRITE, LEN_AT_ARG4)
TLS_PLAIN_UNCHECKED(sendfile_result, ROLE_SENDFILE, LEN_RESULT)

SEC("uprobe")
int tls_free_entry(struct pt_regs *ctx)
{
	return pair_entry(ctx, PROBE_COOKIE(ROLE_FREE, LEN_NONE, 0), false);
}

SEC("uprobe")
int tls_clear_entry(struct pt_regs *ctx)
{
	return pair_entry(ctx, PROBE_COOKIE(ROLE_CLEAR, LEN_NONE, 0), false);
}

SEC("uprobe")
int tls_shutdown_entry(struct pt_regs *ctx)
{
	return pair_entry(ctx, PROBE_COOKIE(ROLE_SHUTDOWN, LEN_NONE, 0), false);
}

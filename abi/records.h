/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What crosses from the kernel side to user space: with the other headers here all that both
 * include.
 *
 * Rules: every record begins with struct rec_head; all fields are naturally aligned with explicit
 * padding; sizes are asserted below, so on both sides; enums only grow at the end. The includer
 * provides fixed-width types: <linux/types.h> in either world.
 */
#ifndef PLAINTAP_ABI_RECORDS_H
#define PLAINTAP_ABI_RECORDS_H

#include <linux/types.h>

#include "capture_control.h"
#include "conn_closing.h"
#include "conn_state.h"

/* Largest plaintext of one record; a longer call makes several. */
#define REC_DATA_MAX 16384

/* The largest number of records one call is cut into where the kernel has no bpf_loop. */
#define REC_PIECES_MAX_NO_LOOP 64

enum rec_type {
	REC_DATA = 1,	   /* struct rec_data */
	REC_CONN_END = 2,  /* struct rec_conn_end */
	REC_FORK = 3,	   /* struct rec_process: pid is the child, ppid its parent */
	REC_EXEC = 4,	   /* struct rec_process: pid runs another program now */
	REC_EXIT = 5,	   /* struct rec_process: pid has ended, or the filters let it in no more */
	REC_PENDING = 6,   /* struct rec_pending */
	REC_CONN_INFO = 7, /* struct rec_conn_info, in conn_record.h */
	REC_LOAD = 8,	   /* struct rec_load, in load_record.h */
};

struct rec_head {
	__u32 type;  /* enum rec_type */
	__u32 size;  /* of the record, this head included; the ring's slot may be larger */
	__u64 ts_ns; /* CLOCK_MONOTONIC */
};

/* Same bits as enum gap_cause in src/model/gap.h; a test compares them. */
enum rec_gap_cause {
	REC_GAP_RING_FULL = 1 << 0,
	REC_GAP_UNREADABLE = 1 << 1,
	REC_GAP_TOO_LONG = 1 << 2,
	REC_GAP_NOT_FOLLOWED = 1 << 3,
};

struct rec_data {
	struct rec_head head;
	__u64 conn; /* unique per connection */
	__u64 off;  /* of the first byte in this direction, counted before it was sent */
	__u32 pid;
	__u32 tid;
	__u32 target;	 /* whose probe saw it */
	__u32 len;	 /* bytes of data, 1 … REC_DATA_MAX */
	__u8 dir;	 /* REC_SENT, REC_RECEIVED */
	__u8 gap_causes; /* of what is missing between the last record and this one */
	__u16 pad16;
	__u32 pad32;
	__u8 data[];
};

/* Where the bytes of a rec_pending are. */
enum pending_where {
	PENDING_IN_MEMORY = 0,	     /* the process's, at user_addr; it is being stopped */
	PENDING_IN_FILE = 1,	     /* its descriptor fd, at file_off; it is being stopped */
	PENDING_IN_FILE_RUNNING = 2, /* the same, but it goes on: read at once */
	PENDING_IN_MEMORY_HELD = 3,  /* as the first, but the thread waits in map `held` */
	PENDING_IN_FILE_HELD = 4,    /* as the second, the same */
};

/*
 * A call whose bytes user space is to read itself: one that moved more than fits the ring well, or
 * one that sent a file. Unless `where` says otherwise its process is being stopped. If the process
 * was let go since `release_seq` was read, the stop was perhaps undone: the record is then void,
 * and unless it says `last_try` another one for the same bytes follows.
 */
struct rec_pending {
	struct rec_head head;
	__u64 conn;
	__u64 off; /* of the first byte in this direction */
	__u64 user_addr;
	__u64 len;
	__u64 release_seq; /* capture_control.release_seq before the stop was asked for */
	__u32 pid;
	__u32 tid;
	__u32 target;
	__u8 dir;
	__u8 gap_causes;
	__u8 last_try;
	__u8 where; /* enum pending_where */
	__u64 file_off;
	struct file_id file; /* that the descriptor stood for when the call began */
	__u32 fd;
	__u32 pad32;
};

struct rec_conn_end {
	struct rec_head head;
	__u64 conn;
	__u64 total[REC_DIR_CNT]; /* bytes counted in each direction */
	__u32 pid;
	__u32 tid;
	__u32 target;
	__u8 gap_causes[REC_DIR_CNT]; /* of what is missing at the end */
	struct conn_closing closing;
};

struct rec_process {
	struct rec_head head;
	__u32 pid;
	__u32 ppid;
	__u32 exit_code; /* REC_EXIT: as wait() gives it; (__u32)-1: it runs on */
	__u32 unasked;	 /* REC_FORK: 1 = should have waited as with LOAD_FORK, and has not */
};

/* Only value of the per-CPU map `stats`. */
struct kernel_stats {
	__u64 calls;	  /* successful reads and writes */
	__u64 bytes_seen; /* by them */
	__u64 bytes_sent; /* put into the ring */
	__u64 bytes_ring_full;
	__u64 bytes_unreadable;
	__u64 bytes_too_long;
	__u64 bytes_not_followed;
	__u64 records_ring_full; /* records of any type that found the ring full */
	__u64 states_dropped;	 /* calls that could not be followed: a table was full */
	__u64 ends_dropped;	 /* ends that found both the ring and `unsent_ends` full */
	__u64 infos_dropped;	 /* descriptions of connections that could not be told */
	__u64 conns_filtered;	 /* connections that the filters keep out */
};

/* Attach cookie of a probe: what a hit there means. */
#define PROBE_COOKIE(role, len_from, target) \
	((__u64)(role) | (__u64)(len_from) << 8 | (__u64)(target) << 32)
#define PROBE_COOKIE_ROLE(cookie)     ((__u32)(cookie)&0xff)
#define PROBE_COOKIE_LEN_FROM(cookie) ((__u32)((cookie) >> 8) & 0xff)
#define PROBE_COOKIE_TARGET(cookie)   ((__u32)((cookie) >> 32))

/* In the attach cookie: calls of capture_control.home are left to probes that are in it alone. */
#define PROBE_COOKIE_OUTSIDE_HOME ((__u64)1 << 17)

/* Same values as enum probe_role and probe_len in src/model/target.h; a test compares them. */
enum {
	ROLE_READ = 1,
	ROLE_WRITE,
	ROLE_FREE,
	ROLE_CLEAR,
	ROLE_SENDFILE,
	ROLE_SHUTDOWN,
	ROLE_SET_BIO,
};
enum { LEN_NONE = 0, LEN_RESULT = 1, LEN_AT_ARG3 = 2, LEN_AT_ARG4 = 3 };

_Static_assert(sizeof(struct rec_head) == 16, "layout");
_Static_assert(sizeof(struct rec_data) == 56, "layout");
_Static_assert(sizeof(struct rec_pending) == 104, "layout");
_Static_assert(sizeof(struct rec_conn_end) == 56, "layout");
_Static_assert(sizeof(struct rec_process) == 32, "layout");
_Static_assert(sizeof(struct kernel_stats) == 96, "layout");

#endif

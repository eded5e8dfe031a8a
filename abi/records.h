/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What crosses from the kernel side to user space: with witness.h all that both include.
 *
 * Rules: every record begins with struct rec_head; all fields are naturally aligned with explicit
 * padding; sizes are asserted below, so on both sides; enums only grow at the end. The includer
 * provides fixed-width types: <linux/types.h> in either world.
 */
#ifndef PLAINTAP_ABI_RECORDS_H
#define PLAINTAP_ABI_RECORDS_H

#include <linux/types.h>

/* Largest plaintext of one record; a longer call makes several. */
#define REC_DATA_MAX 16384

/* The largest number of records one call is cut into where the kernel has no bpf_loop. */
#define REC_PIECES_MAX_NO_LOOP 64

enum rec_type {
	REC_DATA = 1,	   /* struct rec_data */
	REC_CONN_END = 2,  /* struct rec_conn_end */
	REC_FORK = 3,	   /* struct rec_process: pid is the child, ppid its parent */
	REC_EXEC = 4,	   /* struct rec_process: pid runs another program now */
	REC_EXIT = 5,	   /* struct rec_process: the last thread of pid has ended */
	REC_PENDING = 6,   /* struct rec_pending */
	REC_CONN_INFO = 7, /* struct rec_conn_info, in conn_info.h */
};

struct rec_head {
	__u32 type;  /* enum rec_type */
	__u32 size;  /* of the record, this head included; the ring's slot may be larger */
	__u64 ts_ns; /* CLOCK_MONOTONIC */
};

enum { REC_SENT = 0, REC_RECEIVED = 1, REC_DIR_CNT = 2 };

/* Same bits as enum gap_cause in src/model/gap.h; a test compares them. */
enum rec_gap_cause {
	REC_GAP_RING_FULL = 1 << 0,
	REC_GAP_UNREADABLE = 1 << 1,
	REC_GAP_TOO_LONG = 1 << 2,
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

/*
 * A call that moved more than fits the ring well: its process is being stopped, and user space is
 * to read the bytes from its memory. If the process was let go since `release_seq` was read, the
 * stop was perhaps undone: the record is then void, and unless it says `last_try` another one for
 * the same bytes follows.
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
	__u8 pad8;
};

struct rec_conn_end {
	struct rec_head head;
	__u64 conn;
	__u64 total[REC_DIR_CNT]; /* bytes counted in each direction */
	__u32 pid;
	__u32 tid;
	__u32 target;
	__u8 gap_causes[REC_DIR_CNT]; /* of what is missing at the end */
	__u16 pad16;
};

struct rec_process {
	struct rec_head head;
	__u32 pid;
	__u32 ppid;
	__u32 exit_code; /* REC_EXIT: as wait() gives it */
	__u32 pad32;
};

/* A connection's id: time of its birth (CLOCK_MONOTONIC, ns) above the number of the CPU. */
#define CONN_ID_CPU_BITS 10

/* Value of map `conns`: one connection as the kernel side knows it. */
struct conn_state {
	__u64 id;		 /* rec_data.conn */
	__u64 off[REC_DIR_CNT];	 /* bytes counted so far */
	__u64 buf[REC_DIR_CNT];	 /* of the call under way: where its plaintext is */
	__u64 done[REC_DIR_CNT]; /* of the call under way: where its length will be */
	__u64 left[REC_DIR_CNT]; /* of the call under way: bytes not yet handed to the ring */
	__u32 tid;		 /* of the last call */
	__u32 target;
	__u8 gap_causes[REC_DIR_CNT]; /* not yet told */
	__u8 len_from[REC_DIR_CNT];   /* of the call under way: LEN_ */
	__u8 info;		      /* enum conn_info_state */
	__u8 seek_left;		      /* calls that may still show its socket */
	__u8 pad8[2];
};

/* Key of map `conns`. */
struct conn_key {
	__u64 object; /* address of the library's connection object */
	__u32 pid;
	__u32 pad32;
};

/* Value of map `unsent_ends`, key: conn id. Ends that found the ring full. */
struct unsent_end {
	struct conn_state state;
	__u32 pid;
	__u32 pad32;
};

/* Value of map `paused`, key: pid. A process that the kernel side has ever asked to stop. */
struct pause_state {
	__u64 stop_cnt;	   /* how often, counted right after each signal */
	__u64 pending_cnt; /* how many rec_pending were told of it */
};

/* When the kernel side may stop a process. */
enum pause_when {
	PAUSE_NEVER = 0,
	PAUSE_FOR_LONG_CALLS = 1, /* one call longer than PAUSE_PART of the ring */
	PAUSE_WHEN_FILLING = 2,	  /* also when the ring is filled to that part */
};

#define PAUSE_PART 4

/* Only value of the per-CPU map `stats`. */
struct kernel_stats {
	__u64 calls;	  /* successful reads and writes */
	__u64 bytes_seen; /* by them */
	__u64 bytes_sent; /* put into the ring */
	__u64 bytes_ring_full;
	__u64 bytes_unreadable;
	__u64 bytes_too_long;
	__u64 records_ring_full; /* records of any type that found the ring full */
	__u64 states_dropped;	 /* calls that could not be followed: a table was full */
	__u64 ends_dropped;	 /* ends that found both the ring and `unsent_ends` full */
	__u64 infos_dropped;	 /* descriptions of connections that could not be told */
};

/* What the consumer in user space does, and so when a record must wake it. */
enum consumer_state {
	CONSUMER_AWAKE = 0,   /* never */
	CONSUMER_NAPPING = 1, /* when the ring fills: it looks again by itself very soon */
	CONSUMER_ASLEEP = 2,  /* at once */
};

/* Only value of the array map `control`, mapped into user space. */
struct capture_control {
	__u32 watch_all;   /* user space: 1 = every process but self_pid */
	__u32 self_pid;	   /* user space: never watched */
	__u32 consumer;	   /* enum consumer_state; waking sets it back to CONSUMER_AWAKE */
	__u32 pause;	   /* user space: enum pause_when */
	__u32 no_children; /* user space: 1 = a fork does not make the child watched */
	__u32 pad32;
	__u64 release_seq; /* user space: odd while it lets a process go, even between */
};

/* Attach cookie of a probe: what a hit there means. */
#define PROBE_COOKIE(role, len_from, target) \
	((__u64)(role) | (__u64)(len_from) << 8 | (__u64)(target) << 32)
#define PROBE_COOKIE_ROLE(cookie)     ((__u32)(cookie)&0xff)
#define PROBE_COOKIE_LEN_FROM(cookie) ((__u32)((cookie) >> 8) & 0xff)
#define PROBE_COOKIE_TARGET(cookie)   ((__u32)((cookie) >> 32))

/* Same values as enum probe_role and probe_len in src/model/target.h; a test compares them. */
enum { ROLE_READ = 1, ROLE_WRITE = 2, ROLE_FREE = 3 };
enum { LEN_NONE = 0, LEN_RESULT = 1, LEN_AT_ARG3 = 2, LEN_AT_ARG4 = 3 };

_Static_assert(sizeof(struct rec_head) == 16, "layout");
_Static_assert(sizeof(struct rec_data) == 56, "layout");
_Static_assert(sizeof(struct rec_pending) == 72, "layout");
_Static_assert(sizeof(struct pause_state) == 16, "layout");
_Static_assert(sizeof(struct rec_conn_end) == 56, "layout");
_Static_assert(sizeof(struct rec_process) == 32, "layout");
_Static_assert(sizeof(struct conn_state) == 88, "layout");
_Static_assert(sizeof(struct conn_key) == 16, "layout");
_Static_assert(sizeof(struct unsent_end) == 96, "layout");
_Static_assert(sizeof(struct kernel_stats) == 80, "layout");
_Static_assert(sizeof(struct capture_control) == 32, "layout");

#endif

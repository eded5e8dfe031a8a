/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What user space and the kernel side tell each other besides records. The rules of records.h hold.
 */
#ifndef PLAINTAP_ABI_CAPTURE_CONTROL_H
#define PLAINTAP_ABI_CAPTURE_CONTROL_H

#include <linux/types.h>

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

/* What the consumer in user space does, and so when a record must wake it. */
enum consumer_state {
	CONSUMER_AWAKE = 0,   /* never */
	CONSUMER_NAPPING = 1, /* when the ring fills: it looks again by itself very soon */
	CONSUMER_ASLEEP = 2,  /* at once */
};

/* May a thread wait in a probe for user space? */
enum hold_when {
	HOLD_OFF = 0,
	HOLD_ON = 1,
	HOLD_SUSPENDED =
		2,	/* one has waited in vain; user space makes it HOLD_ON when it is back */
	HOLD_CALLS = 3, /* it is the end: only in a call, and if nothing may be lost */
};

/*
 * Value of map `held`, key: pid and tid of a thread that waits in a probe: since when, or this: it
 * need not wait there, as it is kept by other means before it does anything.
 */
#define HELD_IS_PARKED 1ull

/* Is what programs receive from sockets looked at, and whose? */
enum receiving_when {
	RECEIVING_NOT = 0,
	RECEIVING_OF_RECEIVERS = 1, /* of processes in the map `receivers` */
	RECEIVING_OF_ALL = 2,	    /* of every watched process */
};

/* Powers of two. */
#define WATCH_HINT_CNT	  1024
#define RECEIVER_SLOT_CNT 512

/* Only value of the array map `control`, mapped into user space. */
struct capture_control {
	__u32 watch_all;	/* user space: 1 = every process but self_pid */
	__u32 self_pid;		/* user space: never watched */
	__u32 consumer;		/* enum consumer_state; waking sets it back to CONSUMER_AWAKE */
	__u32 pause;		/* user space: enum pause_when */
	__u32 no_children;	/* user space: 1 = a fork does not make the child watched */
	__u32 seeker_cnt;	/* kernel side: how many entries the map `seekers` has */
	__u64 release_seq;	/* user space: odd while it lets a process go, even between */
	__u32 filters;		/* user space: FILTERS_ bits of process_filter.h; 0 = no filter */
	__u32 hold;		/* enum hold_when; the kernel side only ever suspends */
	__u32 held_in_vain;	/* kernel side: threads that were not let go in time */
	__u32 sees_all_sockets; /* user space: 1 = what is received from any is seen, not TCP only
				 */
	/* The process that has probes which no other has, see bpf/lib/home.bpf.h. */
	__u32 home;	    /* user space: its pid; 0: none, or it has ended */
	__u32 home_plants;  /* user space: 1 = what it maps gets these probes; back to 0 if not */
	__u32 home_loads;   /* kernel side: how often it has loaded something unknown */
	__u32 home_checked; /* user space: the same, when nothing that it had loaded was probed in
			     * it alone */
	__u32 beat;	    /* user space counts it up while it lives; see HOLD_SILENCE_NS */
	__u32 last_beat;    /* kernel side: the one after which a thread has waited in vain */
	__u32 room_waits;   /* kernel side: how often one waited for room in the ring */
	__u32 unasked_exec; /* a pid: its next exec is not asked about, and then it is 0 again; set
			     * by user space, which has looked at that already */
	__u32 work;	    /* user space counts it up while it works for threads that wait */
	__u32 pad32;
	__u32 receiving;    /* user space: enum receiving_when */
	__u32 receiver_cnt; /* both sides: how many entries the map `receivers` has … */
	__u32 receiver_slots[RECEIVER_SLOT_CNT]; /* … and of pids with these low bits */
	/* Both sides, never back to 0: is any process in `watched` whose pid has these low bits? So
	 * that what all programs do passes on with one look. */
	__u8 watched_hint[WATCH_HINT_CNT];
};

_Static_assert(sizeof(struct pause_state) == 16, "layout");
_Static_assert(sizeof(struct capture_control) == 96 + 4 * RECEIVER_SLOT_CNT + WATCH_HINT_CNT,
	       "layout");

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A connection as the kernel side knows it, and user space reads at its end. The rules of records.h
 * hold.
 */
#ifndef PLAINTAP_ABI_CONN_STATE_H
#define PLAINTAP_ABI_CONN_STATE_H

#include <linux/types.h>

enum { REC_SENT = 0, REC_RECEIVED = 1, REC_DIR_CNT = 2 };

/* Which file: as the kernel names its inode. All 0: not known. */
struct file_id {
	__u64 ino;
	__u32 dev;	  /* the kernel's own number, which fstat() does not always give */
	__u32 generation; /* another one when a number is used again */
};

/* Which socket: two in a row have not both in common. All 0: not known. */
struct socket_ref {
	__u32 socket; /* low half of its address in the kernel */
	__u32 ino;
};

/* A connection's id: time of its birth (CLOCK_MONOTONIC, ns) above the number of the CPU. */
#define CONN_ID_CPU_BITS 10

/* Value of map `conns`: one connection as the kernel side knows it. */
struct conn_state {
	__u64 id;		/* rec_data.conn */
	__u64 off[REC_DIR_CNT]; /* bytes counted so far */
	/* Of the call under way: where its plaintext is, and where its length will be. Of one that
	 * sends a file: the descriptor, and the place in the file. */
	__u64 buf[REC_DIR_CNT];
	__u64 done[REC_DIR_CNT];
	__u64 left[REC_DIR_CNT]; /* of the call under way: bytes not yet handed to the ring */
	__u32 tid;		 /* of the last call */
	__u32 target;
	__u8 gap_causes[REC_DIR_CNT]; /* not yet told */
	__u8 len_from[REC_DIR_CNT];   /* of the call under way: LEN_ */
	__u8 info;		      /* enum conn_info_state */
	__u8 seek_left;		      /* calls that may still show its socket */
	__u8 hello_done;	      /* its hello was looked for during a read */
	__u8 notify; /* CLOSING_NOTIFY_: for sure; above them: set by the program itself */
	struct socket_ref socket;
	__u32 fd;		      /* of the socket, if the object said it */
	__u8 taken_over[REC_DIR_CNT]; /* 1: by the probes of PROBE_COOKIE_TAKES_OVER */
	__u8 pad8[2];
	struct file_id file; /* of the call under way: what it sends, when that is a file */
};

/* Key of map `conns`. */
struct conn_key {
	__u64 object; /* address of the library's connection object */
	__u32 pid;
	__u32 pad32;
};

_Static_assert(sizeof(struct file_id) == 16, "layout");
_Static_assert(sizeof(struct conn_state) == 120, "layout");
_Static_assert(sizeof(struct conn_key) == 16, "layout");

#endif

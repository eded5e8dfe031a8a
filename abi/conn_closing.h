/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How a connection ended, as its object and its socket say at that moment. */
#ifndef PLAINTAP_ABI_CONN_CLOSING_H
#define PLAINTAP_ABI_CONN_CLOSING_H

#include <linux/types.h>

/* The first two: same values as enum tls_shutdown in src/model/tls_layout.h. */
enum conn_closing_flag {
	CLOSING_NOTIFY_SENT = 1 << 0,
	CLOSING_NOTIFY_RECEIVED = 1 << 1,
	CLOSING_KNOWS_NOTIFY = 1 << 2, /* a bit above that is not set says: it was not */
	CLOSING_FAILED = 1 << 3,       /* the library had given the connection up */
	CLOSING_PEER_CLOSED = 1 << 4,  /* the peer had ended its side of the socket */
	CLOSING_BROKEN = 1 << 5,       /* the socket was dead, and not as its ends wanted it */
	CLOSING_CLEARED = 1 << 6,      /* the object was made ready for another connection */
	CLOSING_RESET_SENT = 1 << 7,   /* by this side; else ECONNRESET says that the peer did */
};

/* Value of map `fates`: what was seen of a TCP socket. */
enum socket_fate {
	FATE_RESET_RECEIVED = 1 << 0, /* or, with the next: nobody could read what came */
	FATE_RESET_SENT = 1 << 1,
	FATE_TIMED_OUT = 1 << 2,
	FATE_PEER_CLOSED = 1 << 3, /* when it happened, the peer had ended its side */
};

enum { CLOSING_NOTIFY = CLOSING_NOTIFY_SENT | CLOSING_NOTIFY_RECEIVED };

/* In conn_state.notify: how far above what is for sure that is which the program set itself. */
enum { CLOSING_SET_SHIFT = 2 };

/* ECONNRESET, ETIMEDOUT; of the machines that this runs on. */
enum { CLOSING_ERROR_RESET = 104, CLOSING_ERROR_TIMEOUT = 110 };

/* The error that a socket of this fate has had, for sure; else 0. */
static inline __attribute__((always_inline)) __u32 closing_error_of_fate(__u32 fate)
{
	if (fate & FATE_TIMED_OUT)
		return CLOSING_ERROR_TIMEOUT;
	if (fate & (FATE_RESET_SENT | FATE_PEER_CLOSED))
		return 0;
	return fate & FATE_RESET_RECEIVED ? CLOSING_ERROR_RESET : 0;
}

struct conn_closing {
	__u8 flags;	   /* set of enum conn_closing_flag */
	__u8 socket_error; /* that the socket had; 0: none, or not known */
};

_Static_assert(sizeof(struct conn_closing) == 2, "layout");

#endif

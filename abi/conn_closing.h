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
};

enum { CLOSING_NOTIFY = CLOSING_NOTIFY_SENT | CLOSING_NOTIFY_RECEIVED };

/* In conn_state.notify: how far above what is for sure that is which the program set itself. */
enum { CLOSING_SET_SHIFT = 2 };

struct conn_closing {
	__u8 flags;	   /* set of enum conn_closing_flag */
	__u8 socket_error; /* that nobody had read from the socket; 0: none */
};

_Static_assert(sizeof(struct conn_closing) == 2, "layout");

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts the pieces of messages together to messages, and requests and responses to exchanges.
 *
 * One `struct exchange_stage` for the program, one `struct pairing` a connection. An exchange is
 * published when both sides have ended, when a response without a request has ended, when too many
 * are open (the oldest), or when the connection ends.
 */
#ifndef PLAINTAP_EXCHANGE_PAIRING_H
#define PLAINTAP_EXCHANGE_PAIRING_H

#include <stddef.h>
#include <stdint.h>

#include "model/exchange.h"
#include "model/message.h"

struct connection;
struct counters;
struct pairing;

/* Where the results go. Both pointers are borrowed; exchange_ref() keeps an exchange. */
struct exchange_out {
	void (*exchange)(void *user, struct exchange *x);
	void (*data)(void *user, const struct data_piece *d);
};

enum { EXCHANGE_BODY_LIMIT = 1 << 20, EXCHANGE_OPEN_MAX = 256 };

struct exchange_stage {
	const struct exchange_out *out; /* borrowed */
	void *user;			/* for `out` */
	struct counters *counters;	/* borrowed; only `exchange` is written */
	size_t body_limit;		/* bytes of each body that are kept */
	size_t open_max;		/* exchanges that may be open in one connection, > 0 */
};

/* With the limits above. */
void exchange_stage_init(struct exchange_stage *s, const struct exchange_out *out, void *user,
			 struct counters *counters);

/* Takes its own reference on `conn`; `s` is borrowed for the whole life. NULL without memory. */
struct pairing *pairing_new(struct exchange_stage *s, struct connection *conn);
/* The connection has ended: publishes what is open as incomplete, then frees. NULL is fine. */
void pairing_close(struct pairing *p);

/* The listener to give to a protocol; its `user` is a struct pairing. */
extern const struct message_ops exchange_ops;

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "model/connection.h"

#include <errno.h>

#include "tap.h"

#define YES CONN_NOTIFY_YES
#define NO  CONN_NOTIFY_NO

enum { KILLED = 9, EXITED = 3 << 8 };

static void test_how_it_ended(void)
{
	static const struct {
		enum conn_end end;
		struct conn_ending ending;
		const char *how;
	} rows[] = {
		{ CONN_OPEN, { YES, YES }, "open" },
		{ CONN_END_CAPTURE, { NO, YES, .broken = true }, "open" },
		{ CONN_END_FREED, { 0 }, "freed" },
		{ CONN_END_FREED, { NO, NO }, "freed" },
		{ CONN_END_FREED, { NO, NO, .cleared = true }, "replaced" },
		{ CONN_END_FREED, { YES, NO, .cleared = true }, "close_notify" },
		{ CONN_END_FREED, { NO, YES, .peer_closed = true }, "close_notify" },
		/* What the peer said counts, whatever became of the socket then. */
		{ CONN_END_FREED, { YES, YES, .broken = true }, "close_notify" },
		{ CONN_END_FREED, { YES, NO, .broken = true }, "broken" },
		{ CONN_END_FREED,
		  { YES, NO, .broken = true, .socket_error = ECONNRESET },
		  "reset" },
		{ CONN_END_FREED,
		  { NO, NO, .broken = true, .socket_error = ETIMEDOUT },
		  "timeout" },
		{ CONN_END_FREED,
		  { NO, NO, .broken = true, .socket_error = EHOSTUNREACH },
		  "broken" },
		{ CONN_END_PROCESS,
		  { NO, NO, .broken = true, .socket_error = ECONNRESET },
		  "reset" },
		/* Of a socket that is still there: it was not closed, but thrown away. */
		{ CONN_END_FREED,
		  { NO, NO, .broken = true, .reset_sent = true, .socket_error = ECONNRESET },
		  "reset_sent" },
		{ CONN_END_FREED,
		  { NO, NO, .broken = true, .reset_sent = true, .socket_error = ETIMEDOUT },
		  "timeout" },
		/* Closed with bytes that nobody read: whatever was said before says more. */
		{ CONN_END_FREED, { NO, NO, .reset_sent = true }, "reset_sent" },
		{ CONN_END_FREED, { NO, NO, .reset_sent = true, .cleared = true }, "reset_sent" },
		{ CONN_END_FREED, { YES, NO, .reset_sent = true }, "close_notify" },
		{ CONN_END_FREED, { NO, NO, .reset_sent = true, .peer_closed = true }, "eof" },
		{ CONN_END_FREED, { NO, NO, .reset_sent = true, .failed = true }, "error" },
		/* Our own word was not answered, nor did it have to be … */
		{ CONN_END_FREED, { YES, NO, .peer_closed = true }, "close_notify" },
		/* … but that an answer was waited for. */
		{ CONN_END_FREED, { YES, NO, .failed = true, .peer_closed = true }, "eof" },
		{ CONN_END_FREED, { NO, NO, .failed = true, .peer_closed = true }, "eof" },
		{ CONN_END_FREED, { NO, NO, .peer_closed = true }, "eof" },
		{ CONN_END_FREED, { NO, NO, .failed = true }, "error" },
		{ CONN_END_PROCESS, { .status = EXITED }, "process_exited" },
		{ CONN_END_PROCESS, { .status = KILLED }, "process_killed" },
		{ CONN_END_PROCESS, { .status = CONN_STATUS_EXECUTED }, "process_executed" },
		{ CONN_END_PROCESS, { .notify_received = YES, .status = KILLED }, "close_notify" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct connection c = { .end = rows[i].end, .ending = rows[i].ending };

		C_STR_EQ(conn_how_name(&c), rows[i].how);
	}
}

int main(void)
{
	RUN(test_how_it_ended);
	return tap_done();
}

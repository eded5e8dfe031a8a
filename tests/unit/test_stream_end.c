// SPDX-License-Identifier: BSD-2-Clause
/* What the end of a connection, or of the capture, makes of a message that is under way. */
#include <string.h>

#include "model/chunk.h"
#include "model/counters.h"
#include "model/process.h"
#include "proto/registry.h"
#include "stream/stream.h"
#include "tap.h"

/* How the response ended, and whether it did. */
struct heard {
	bool ended;
	enum message_end how;
};

static void on_head(void *user, enum dir dir, const struct message_head *head, uint64_t ts_ns)
{
}

static void on_body(void *user, enum dir dir, uint64_t exchange, const uint8_t *data, size_t len,
		    uint64_t ts_ns)
{
}

static void on_end(void *user, enum dir dir, uint64_t exchange, enum message_end end,
		   uint64_t ts_ns)
{
	struct heard *h = user;

	if (dir == DIR_RECEIVED)
		*h = (struct heard){ true, end };
}

static const struct message_ops messages = {
	.head = on_head,
	.body = on_body,
	.end = on_end,
};

static struct process *process_of(void *user, pid_t pid)
{
	return process_new(pid);
}

static const char *library_of(void *user, uint32_t library)
{
	return NULL;
}

static int conn_open(void *user, struct connection *c, void **ret_listener)
{
	*ret_listener = user;
	return 0;
}

static void on_bytes(void *user, const struct connection *c, enum dir dir, uint64_t off,
		     const uint8_t *data, size_t len)
{
}

static void conn_close(void *user, struct connection *c, void *listener)
{
}

static const struct stream_ops ops = {
	.process_of = process_of,
	.library_of = library_of,
	.library_version_of = library_of,
	.conn_open = conn_open,
	.bytes = on_bytes,
	.conn_close = conn_close,
};

static void feed(struct stream *s, enum dir dir, const char *text)
{
	struct chunk c = {
		.conn_key = 1,
		.pid = 7,
		.dir = dir,
		.ts_ns = 1,
		.data = (const uint8_t *)text,
		.len = strlen(text),
	};

	stream_chunk(s, &c);
}

/* A body that lasts until the connection closes, and then `end`. */
static struct heard body_until(enum conn_end end)
{
	static const char ask[] = "GET / HTTP/1.0\r\n\r\n", answer[] = "HTTP/1.0 200 OK\r\n\r\nhi";
	struct counters counters = { 0 };
	struct heard heard = { false };
	struct stream_config config = {
		.ops = &ops,
		.user = &heard,
		.protos = proto_registry,
		.proto_cnt = proto_registry_cnt,
		.messages = &messages,
		.counters = &counters,
		.conn_max = 1,
	};
	struct chunk_end last = {
		.conn_key = 1,
		.pid = 7,
		.end = end,
		.total = { [DIR_SENT] = sizeof(ask) - 1, [DIR_RECEIVED] = sizeof(answer) - 1 },
		.ts_ns = 2,
	};
	struct stream *s = stream_new(&config);

	if (!s)
		return heard;
	feed(s, DIR_SENT, ask);
	feed(s, DIR_RECEIVED, answer);
	OK(!heard.ended);
	if (end != CONN_END_CAPTURE)
		stream_conn_end(s, &last);
	stream_free(s);
	return heard;
}

static void test_connection_ends(void)
{
	struct heard freed = body_until(CONN_END_FREED), process = body_until(CONN_END_PROCESS);

	OK(freed.ended && freed.how == MESSAGE_COMPLETE);
	OK(process.ended && process.how == MESSAGE_COMPLETE);
}

static void test_capture_ends(void)
{
	struct heard h = body_until(CONN_END_CAPTURE);

	OK(h.ended && h.how == MESSAGE_END_CLOSED);
}

int main(void)
{
	RUN(test_connection_ends);
	RUN(test_capture_ends);
	return tap_done();
}

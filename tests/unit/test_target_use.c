// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "app/target_use.h"
#include "base/json.h"
#include "model/chunk.h"
#include "tap.h"

static void pass(struct target_uses *u, uint32_t id, enum dir dir, size_t len, uint64_t ts_ns)
{
	struct chunk c = { .library = id, .dir = dir, .len = len, .ts_ns = ts_ns };

	target_uses_chunk(u, &c);
}

static void test_sums(void)
{
	struct target_uses u = { 0 };
	struct connection c = { .library_id = 2 };
	struct target_use use = target_uses_get(&u, 2, true);

	INT_EQ(use.last_ns, 0);
	target_uses_conn_opened(&u, &c);
	target_uses_conn_opened(&u, &c);
	target_uses_conn_closed(&u, &c);
	pass(&u, 2, DIR_SENT, 10, 5);
	pass(&u, 2, DIR_SENT, 20, 6);
	pass(&u, 2, DIR_RECEIVED, 7, 7);
	/* A hole's mark is no piece. */
	pass(&u, 2, DIR_RECEIVED, 0, 8);
	pass(&u, 40, DIR_SENT, 3, 9);
	pass(&u, 0, DIR_RECEIVED, 1, 10);
	use = target_uses_get(&u, 2, false);
	INT_EQ(use.connections, 2);
	INT_EQ(use.closed, 1);
	INT_EQ(use.pieces[DIR_SENT], 2);
	INT_EQ(use.bytes[DIR_SENT], 30);
	INT_EQ(use.pieces[DIR_RECEIVED], 1);
	INT_EQ(use.bytes[DIR_RECEIVED], 7);
	INT_EQ(use.last_ns, 7);
	INT_EQ(target_uses_get(&u, 40, false).bytes[DIR_SENT], 3);
	INT_EQ(target_uses_get(&u, 1, false).bytes[DIR_SENT], 0);
	INT_EQ(target_uses_get(&u, 4000000000u, false).bytes[DIR_SENT], 0);
	/* What does not say whose it is. */
	use = target_uses_get(&u, 2, true);
	INT_EQ(use.bytes[DIR_RECEIVED], 8);
	INT_EQ(use.last_ns, 10);
	target_uses_done(&u);
	INT_EQ(target_uses_get(&u, 2, true).connections, 0);
}

static const char *text_of(const struct target_use *use, struct buf *b)
{
	buf_reset(b);
	target_use_text(use, b);
	buf_append_byte(b, '\0');
	return (const char *)b->data;
}

static void test_words(void)
{
	struct target_use use = { 0 };
	struct json j;
	struct buf b;

	buf_init(&b, 4096);
	C_STR_EQ(text_of(&use, &b), "nothing came through its probes so far");
	use = (struct target_use){ { 3, 4 }, { 30, 2048 }, 5, 2, 0 };
	C_STR_EQ(text_of(&use, &b),
		 "5 connections (3 open), sent 30 B in 3 pieces, received 2.0 KiB in 4");
	buf_reset(&b);
	json_init(&j, &b);
	target_use_json(&use, &j);
	buf_append_byte(&b, '\0');
	C_STR_EQ((const char *)b.data,
		 "{\"connections\":5,\"connections_closed\":2,\"sent_pieces\":3,\"sent_bytes\":30,"
		 "\"received_pieces\":4,\"received_bytes\":2048,\"last\":null}");
	buf_done(&b);
}

int main(void)
{
	RUN(test_sums);
	RUN(test_words);
	return tap_done();
}

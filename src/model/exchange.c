// SPDX-License-Identifier: BSD-2-Clause
#include "exchange.h"

#include <stdlib.h>

#include "connection.h"

struct exchange *exchange_new(struct connection *conn, uint64_t number)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->refs = 1;
	x->conn = connection_ref(conn);
	x->number = number;
	return x;
}

struct exchange *exchange_ref(struct exchange *x)
{
	x->refs++;
	return x;
}

static void message_done(struct message *m)
{
	free(m->head_block);
	free(m->trailer_block);
	buf_done(&m->body);
}

void exchange_unref(struct exchange *x)
{
	if (!x || --x->refs)
		return;
	message_done(&x->request);
	message_done(&x->response);
	free(x->url);
	connection_unref(x->conn);
	free(x);
}

struct str message_header(const struct message *m, const char *name)
{
	for (size_t i = 0; i < m->header_cnt; i++)
		if (str_eq_nocase(m->headers[i].name, str_from(name)))
			return m->headers[i].value;
	return (struct str){ 0 };
}

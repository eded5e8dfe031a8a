// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which response belongs to which request: by order, as long as no byte that could have held a
 * head is missing. After such a loss nothing is paired until the connection was quiet: a request
 * begins after a response ended, none is under way, and this connection never pipelined. One that
 * did may still have answers on the way, so there the pairing stays unknown.
 */
#include "http1_priv.h"

#include <stdlib.h>
#include <string.h>

void http1_pair_lose(struct http1_pairing *q)
{
	q->lost = true;
	q->answered = false;
	q->first = q->cnt = 0;
}

static bool queue_push(struct http1_pairing *q, struct http1_pending item, size_t max)
{
	if (q->cnt >= max)
		return false;
	if (q->first + q->cnt == q->cap && q->first > q->cap / 2) {
		memmove(q->queue, q->queue + q->first, q->cnt * sizeof(*q->queue));
		q->first = 0;
	}
	if (q->first + q->cnt == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 4;
		struct http1_pending *queue = reallocarray(q->queue, cap, sizeof(*queue));

		if (!queue)
			return false;
		q->queue = queue;
		q->cap = cap;
	}
	q->queue[q->first + q->cnt++] = item;
	return true;
}

uint64_t http1_pair_request(struct http1_pairing *q, enum http1_method method, bool quiet,
			    size_t max)
{
	struct http1_pending item = { q->next++, method };

	if (q->cnt)
		q->pipelined = true;
	if (q->lost && quiet && q->answered && !q->pipelined)
		q->lost = false;
	q->answered = false;
	if (!q->lost && !queue_push(q, item, max))
		http1_pair_lose(q);
	return item.exchange;
}

bool http1_pair_response(struct http1_pairing *q, bool interim, struct http1_pending *ret)
{
	if (!q->cnt) {
		if (!q->orphan)
			q->orphan = q->next++;
		*ret = (struct http1_pending){ q->orphan, METHOD_OTHER };
		if (!interim)
			q->orphan = 0;
		return false;
	}
	*ret = q->queue[q->first];
	if (interim)
		return true;
	q->first++;
	if (!--q->cnt)
		q->first = 0;
	return true;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "leaving.h"

#include <errno.h>
#include <stdlib.h>

#include "attach/kernel_tables.h"
#include "state.h"

static void end_conn(void *user, pid_t pid, const struct conn_state *state)
{
	struct app *a = user;
	struct conn_closing closing = kernel_tables_closing(a->kernel, state);

	collect_conn_state(&a->pipeline.collector, pid, state, CONN_END_CAPTURE, &closing, 0);
}

/* Without memory it is ended at once: what is still in the ring then counts as a hole. */
static void take_conn(void *user, pid_t pid, const struct conn_state *state)
{
	struct app *a = user;
	struct leaving *l = &a->leaving;
	struct leaving_conn *conns = realloc(l->conns, (l->conn_cnt + 1) * sizeof(*conns));

	if (!conns) {
		end_conn(a, pid, state);
		return;
	}
	l->conns = conns;
	l->conns[l->conn_cnt++] = (struct leaving_conn){ .pid = pid, .state = *state };
}

int leaving_add(struct app *a, pid_t pid, uint64_t now_ns)
{
	struct leaving *l = &a->leaving;
	pid_t *pids = realloc(l->pids, (l->pid_cnt + 1) * sizeof(*pids));

	if (!pids)
		return -ENOMEM;
	l->pids = pids;
	l->pids[l->pid_cnt++] = pid;
	l->due_ns = now_ns + LEAVING_DELAY_NS;
	kernel_tables_take_conns(a->kernel, pid, now_ns, take_conn, a);
	return 0;
}

/* A call that was under way has perhaps begun a connection after the first look. */
void leaving_end(struct app *a, uint64_t now_ns)
{
	struct leaving *l = &a->leaving;

	if (!l->pid_cnt || now_ns < l->due_ns)
		return;
	for (size_t i = 0; i < l->conn_cnt; i++)
		end_conn(a, l->conns[i].pid, &l->conns[i].state);
	for (size_t i = 0; i < l->pid_cnt; i++) {
		kernel_tables_take_conns(a->kernel, l->pids[i], l->due_ns, end_conn, a);
		rescan_remove(&a->rescan, l->pids[i]);
		process_table_exited(&a->pipeline.processes, l->pids[i]);
	}
	l->pid_cnt = 0;
	l->conn_cnt = 0;
}

void leaving_done(struct leaving *l)
{
	free(l->pids);
	free(l->conns);
	*l = (struct leaving){ 0 };
}

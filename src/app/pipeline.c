// SPDX-License-Identifier: BSD-2-Clause
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/writer.h"
#include "model/connection.h"
#include "model/target.h"
#include "discover/target_list.h"
#include "proto/registry.h"
#include "stream/conn_gate.h"
#include "stream/stream.h"

static void take_chunk(void *user, const struct chunk *c)
{
	struct pipeline *p = user;

	target_uses_chunk(&p->uses, c);
	if (p->gate)
		conn_gate_chunk(p->gate, c);
	else
		stream_chunk(p->stream, c);
}

static void take_conn_end(void *user, const struct chunk_end *end)
{
	struct pipeline *p = user;

	if (p->gate)
		conn_gate_end(p->gate, end);
	else
		stream_conn_end(p->stream, end);
}

/* The watcher first: on exit and exec it ends the connections, which still belong to the old. */
static void take_process(void *user, const struct process_change *change)
{
	struct pipeline *p = user;

	if (p->watcher.process)
		p->watcher.process(p->watcher.user, change);
	switch (change->event) {
	case PROCESS_FORKED:
		process_table_forked(&p->processes, change->pid, change->ppid);
		break;
	case PROCESS_EXECUTED:
		process_table_executed(&p->processes, change->pid);
		break;
	case PROCESS_EXITED:
		process_table_exited(&p->processes, change->pid);
		break;
	}
}

static void take_pending(void *user, const struct pending_call *call)
{
	struct pipeline *p = user;
	struct pending_call lost = *call;

	if (p->watcher.pending)
		p->watcher.pending(p->watcher.user, call);
	else
		collect_pending_missing(&p->collector, &lost, lost.len);
}

static void take_conn_info(void *user, const struct conn_info *info)
{
	struct pipeline *p = user;

	if (p->gate)
		conn_gate_info(p->gate, info);
	else
		stream_conn_info(p->stream, info);
}

static void take_load(void *user, const struct load_event *e)
{
	struct pipeline *p = user;

	if (p->watcher.loaded)
		p->watcher.loaded(p->watcher.user, e);
}

static const struct collect_ops collect_to_stream = {
	.chunk = take_chunk,
	.conn_end = take_conn_end,
	.process = take_process,
	.pending = take_pending,
	.conn_info = take_conn_info,
	.load = take_load,
};

static struct process *process_of(void *user, pid_t pid)
{
	struct pipeline *p = user;

	return process_table_get(&p->processes, pid);
}

/* Id 0 comes from kernels whose links carry no cookie: certain only where there is one library. */
static const struct target *target_of(const struct pipeline *p, uint32_t library)
{
	if (!library && p->target_cnt == 1)
		return p->targets[0];
	for (size_t i = 0; i < p->target_cnt; i++)
		if (p->targets[i]->id == library)
			return p->targets[i];
	return NULL;
}

static const char *library_of(void *user, uint32_t library)
{
	const struct target *t = target_of(user, library);

	return t ? t->path : NULL;
}

static const char *library_version_of(void *user, uint32_t library)
{
	const struct target *t = target_of(user, library);

	return t && t->version[0] ? t->version : NULL;
}

static int open_conn(void *user, struct connection *c, void **ret_listener)
{
	struct pipeline *p = user;
	struct pairing *pairing = pairing_new(&p->exchanges, c);

	if (!pairing)
		return -ENOMEM;
	if (p->watcher.conn_opened)
		p->watcher.conn_opened(p->watcher.user, c);
	target_uses_conn_opened(&p->uses, c);
	sink_set_conn_open(&p->sinks, c);
	*ret_listener = pairing;
	return 0;
}

static void tap_bytes(void *user, const struct connection *c, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	struct pipeline *p = user;

	sink_set_bytes(&p->sinks, c, dir, off, data, len);
}

static void tap_gap(void *user, const struct connection *c, enum dir dir, uint64_t off,
		    uint64_t len, unsigned causes)
{
	struct pipeline *p = user;

	sink_set_gap(&p->sinks, c, dir, off, len, causes);
}

static void close_conn(void *user, struct connection *c, void *listener)
{
	struct pipeline *p = user;

	target_uses_conn_closed(&p->uses, c);
	pairing_close(listener);
	sink_set_conn_close(&p->sinks, c);
}

static const struct stream_ops stream_to_exchange = {
	.process_of = process_of,
	.library_of = library_of,
	.library_version_of = library_version_of,
	.conn_open = open_conn,
	.bytes = tap_bytes,
	.gap = tap_gap,
	.conn_close = close_conn,
};

static void publish_exchange(void *user, struct exchange *x)
{
	struct pipeline *p = user;

	sink_set_exchange(&p->sinks, x);
}

static void publish_data(void *user, const struct data_piece *d)
{
	struct pipeline *p = user;

	sink_set_data(&p->sinks, d);
}

static const struct exchange_out exchange_to_sinks = {
	.exchange = publish_exchange,
	.data = publish_data,
};

void pipeline_know_target(struct pipeline *p, const struct target *t)
{
	const struct target **targets = realloc(p->targets, (p->target_cnt + 1) * sizeof(*targets));

	if (!targets)
		return;
	p->targets = targets;
	targets[p->target_cnt++] = t;
}

int pipeline_init(struct pipeline *p, const struct pipeline_watcher *watcher, size_t body_limit)
{
	struct stream_config config = {
		.ops = &stream_to_exchange,
		.user = p,
		.protos = proto_registry,
		.proto_cnt = proto_registry_cnt,
		.messages = &exchange_ops,
		.counters = &p->counters,
		.conn_max = PIPELINE_CONN_MAX,
	};

	*p = (struct pipeline){ .watcher = *watcher };
	sink_set_init(&p->sinks);
	process_table_init(&p->processes);
	exchange_stage_init(&p->exchanges, &exchange_to_sinks, p, &p->counters);
	p->exchanges.body_limit = body_limit;
	collector_init(&p->collector, &collect_to_stream, p, &p->counters);
	p->stream = stream_new(&config);
	return p->stream ? 0 : -ENOMEM;
}

int pipeline_filter_conns(struct pipeline *p, bool let_in_unknown)
{
	p->gate = conn_gate_new(p->stream, &p->counters, let_in_unknown);
	return p->gate ? 0 : -ENOMEM;
}

bool pipeline_has_passed(const struct pipeline *p, const struct chunk *c)
{
	return p->gate ? conn_gate_has_passed(p->gate, c->conn_key, c->dir, c->off)
		       : stream_has_passed(p->stream, c->conn_key, c->dir, c->off);
}

void pipeline_end_connections(struct pipeline *p)
{
	conn_gate_free(p->gate);
	p->gate = NULL;
	stream_free(p->stream);
	p->stream = NULL;
}

static void count_sinks(struct pipeline *p)
{
	struct writer_stats stats;

	sink_set_wait(&p->sinks);
	sink_set_queue_stats(&p->sinks, &stats);
	p->counters.sink.bytes = sink_set_written(&p->sinks);
	p->counters.sink.failures = p->sinks.failures;
	p->counters.sink.waits = stats.waits;
	p->counters.sink.wait_ns = stats.wait_ns;
	p->counters.sink.queue_peak = stats.peak;
}

void pipeline_finish(struct pipeline *p)
{
	count_sinks(p);
	sink_set_summary(&p->sinks, &p->counters);
	count_sinks(p);
	sink_set_close(&p->sinks);
}

void pipeline_done(struct pipeline *p)
{
	pipeline_end_connections(p);
	sink_set_close(&p->sinks);
	process_table_done(&p->processes);
	target_uses_done(&p->uses);
	free(p->targets);
}

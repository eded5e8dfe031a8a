/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stages between the kernel side and the sinks, joined: collector → stream → protocols →
 * exchanges → sinks. Any source of chunks may feed it.
 */
#ifndef PLAINTAP_APP_PIPELINE_H
#define PLAINTAP_APP_PIPELINE_H

#include <stddef.h>

#include "collect/collect.h"
#include "exchange/pairing.h"
#include "model/counters.h"
#include "process_table.h"
#include "sink_set.h"
#include "target_use.h"

struct conn_gate;
struct connection;
struct stream;
struct target;

enum { PIPELINE_CONN_MAX = 65536 };

/* Told of what concerns live processes: a source without any may leave all of it NULL. */
struct pipeline_watcher {
	void (*process)(void *user, const struct process_change *change);
	/* Its first bytes, or its end, have come. */
	void (*conn_opened)(void *user, const struct connection *c);
	/* A process has something that must be looked at, and may wait for that. */
	void (*loaded)(void *user, const struct load_event *e);
	/* Plaintext that is to be read from a stopped process. */
	void (*pending)(void *user, const struct pending_call *call);
	void *user;
};

struct pipeline {
	struct counters counters;
	struct sink_set sinks;
	struct process_table processes;
	const struct target *
		*targets; /* name the libraries; the list is owned, they are borrowed */
	size_t target_cnt;
	struct target_uses uses;
	struct exchange_stage exchanges;
	struct stream *stream;
	struct conn_gate *gate; /* NULL: every connection is wanted */
	struct collector collector;
	struct pipeline_watcher watcher;
};

/* The sinks are then to be opened by the caller. -ENOMEM. */
int pipeline_init(struct pipeline *p, const struct pipeline_watcher *watcher, size_t body_limit);
/* Before anything comes from it. Borrowed until pipeline_done(). Without memory it is nameless. */
void pipeline_know_target(struct pipeline *p, const struct target *t);
/* Before anything passes: the kernel side filters connections; see stream/conn_gate.h. -ENOMEM. */
int pipeline_filter_conns(struct pipeline *p, bool let_in_unknown);
/* Have the bytes at the place of that chunk been here before? */
bool pipeline_has_passed(const struct pipeline *p, const struct chunk *c);
/* Ends open connections; they and what they held go to the sinks. May be called twice. */
void pipeline_end_connections(struct pipeline *p);
/* The last word to the sinks, which are then closed. */
void pipeline_finish(struct pipeline *p);
void pipeline_done(struct pipeline *p);

#endif

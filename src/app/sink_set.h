/* SPDX-License-Identifier: BSD-2-Clause */
/* All outputs of a run as one. An output that fails is closed and told of once; the rest go on. */
#ifndef PLAINTAP_APP_SINK_SET_H
#define PLAINTAP_APP_SINK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/dir.h"
#include "model/sink.h"

struct writer_stats;
struct writer;

enum { SINK_SET_MAX = 16 };

struct open_sink {
	const struct sink_ops *ops;
	struct sink *sink; /* NULL after a failure */
	const char *spec;  /* borrowed */
};

struct sink_set {
	struct open_sink sinks[SINK_SET_MAX];
	size_t cnt;
	size_t alive_cnt;
	uint64_t written;  /* by those that are closed */
	uint64_t failures; /* sinks that gave up */
	struct error first_failure;
	struct writer *writer; /* NULL: sinks wait for their disks */
};

void sink_set_init(struct sink_set *s);
/* Before sinks are opened: a thread writes for them, with a queue of so many bytes. -ENOMEM. */
int sink_set_use_queue(struct sink_set *s, size_t queue_max);
/* They are files, or the like, which take all that comes at once. Before the first one is open. */
void sink_set_expect_bursts(struct sink_set *s);
/* While anything here waits for the thread, fn(user) is called now and then; see writer.h. */
void sink_set_tell_waiting(struct sink_set *s, void (*fn)(void *user), void *user);
/* -EINVAL: no sink takes this spec; -E2BIG: too many; or what the sink says. */
int sink_set_open(struct sink_set *s, const char *spec, const struct sink_options *opt,
		  struct error *ret_error);

void sink_set_conn_open(struct sink_set *s, const struct connection *c);
void sink_set_bytes(struct sink_set *s, const struct connection *c, enum dir dir, uint64_t off,
		    const uint8_t *data, size_t len);
void sink_set_gap(struct sink_set *s, const struct connection *c, enum dir dir, uint64_t off,
		  uint64_t len, unsigned causes);
void sink_set_conn_close(struct sink_set *s, const struct connection *c);
void sink_set_exchange(struct sink_set *s, const struct exchange *x);
void sink_set_data(struct sink_set *s, const struct data_piece *d);
void sink_set_flush(struct sink_set *s);
/* While there is time: memory that a burst has left is given back. */
void sink_set_trim(struct sink_set *s);
/* What is already on its way to the outputs goes on: before waiting for something else. */
void sink_set_start(struct sink_set *s);
void sink_set_summary(struct sink_set *s, const struct counters *total);
/* Until everything given so far is written, or its failure known. */
void sink_set_wait(struct sink_set *s);
/* Zeros without a queue. */
void sink_set_queue_stats(const struct sink_set *s, struct writer_stats *ret);
uint64_t sink_set_written(const struct sink_set *s);
/* Were there sinks, and have all failed? */
bool sink_set_is_dead(const struct sink_set *s);
void sink_set_close(struct sink_set *s);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "sink_set.h"

#include <errno.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/out_file.h"
#include "base/writer.h"
#include "sink/registry.h"

void sink_set_init(struct sink_set *s)
{
	*s = (struct sink_set){ 0 };
}

int sink_set_use_queue(struct sink_set *s, size_t queue_max)
{
	s->writer = out_file_writer_new(queue_max);
	return s->writer ? 0 : -ENOMEM;
}

void sink_set_expect_bursts(struct sink_set *s)
{
	writer_expect_bursts(s->writer);
}

void sink_set_tell_waiting(struct sink_set *s, void (*fn)(void *user), void *user)
{
	if (s->writer)
		writer_tell_waiting(s->writer, fn, user);
}

static void list_kinds(struct buf *b)
{
	for (size_t i = 0; i < sink_registry_cnt; i++)
		if (sink_registry[i]->help)
			buf_printf(b, "%s%s", b->len ? "; " : "", sink_registry[i]->help);
	buf_append_byte(b, '\0');
}

static int no_such_sink(const char *spec, struct error *ret_error)
{
	struct buf kinds;

	buf_init(&kinds, 400);
	list_kinds(&kinds);
	error_set(ret_error, -EINVAL, "-o %s: no output is called so; there are: %s", spec,
		  kinds.len ? (const char *)kinds.data : "");
	buf_done(&kinds);
	return -EINVAL;
}

int sink_set_open(struct sink_set *s, const char *spec, const struct sink_options *opt,
		  struct error *ret_error)
{
	const struct sink_ops *ops = sink_find(spec);
	struct open_sink *slot = &s->sinks[s->cnt];
	struct sink_options with_writer = *opt;
	int r;

	if (!ops)
		return no_such_sink(spec, ret_error);
	if (s->cnt == SINK_SET_MAX)
		return error_set(ret_error, -E2BIG, "-o %s: more than %d outputs", spec,
				 SINK_SET_MAX);
	with_writer.writer = s->writer;
	r = ops->open(spec, &with_writer, &slot->sink, ret_error);
	if (r < 0)
		return r;
	slot->ops = ops;
	slot->spec = spec;
	s->cnt++;
	s->alive_cnt++;
	return 0;
}

static void wait_for_writer(struct sink_set *s)
{
	if (s->writer)
		writer_wait(s->writer, writer_newest(s->writer));
}

static void give_up(struct sink_set *s, struct open_sink *o, int r)
{
	/* What is queued still counts as written. */
	wait_for_writer(s);
	if (o->ops->written)
		s->written += o->ops->written(o->sink);
	o->ops->close(o->sink);
	o->sink = NULL;
	s->alive_cnt--;
	s->failures++;
	if (!s->first_failure.code)
		error_set(&s->first_failure, r,
			  "cannot write to %s: %s; what was written before is kept", o->spec,
			  out_file_reason(r));
	if (s->alive_cnt)
		log_say(LOG_WARNING, "cannot write to %s: %s; the other outputs go on", o->spec,
			out_file_reason(r));
}

/* Calls one operation of every living sink that has it. */
#define EACH_SINK(set, op, ...)                                    \
	do {                                                       \
		for (size_t i_ = 0; i_ < (set)->cnt; i_++) {       \
			struct open_sink *o_ = &(set)->sinks[i_];  \
			int r_;                                    \
			if (!o_->sink || !o_->ops->op)             \
				continue;                          \
			r_ = o_->ops->op(o_->sink, ##__VA_ARGS__); \
			if (r_ < 0)                                \
				give_up((set), o_, r_);            \
		}                                                  \
	} while (0)

void sink_set_conn_open(struct sink_set *s, const struct connection *c)
{
	EACH_SINK(s, conn_open, c);
}

void sink_set_bytes(struct sink_set *s, const struct connection *c, enum dir dir, uint64_t off,
		    const uint8_t *data, size_t len)
{
	EACH_SINK(s, bytes, c, dir, off, data, len);
}

void sink_set_gap(struct sink_set *s, const struct connection *c, enum dir dir, uint64_t off,
		  uint64_t len, unsigned causes)
{
	EACH_SINK(s, gap, c, dir, off, len, causes);
}

void sink_set_conn_close(struct sink_set *s, const struct connection *c)
{
	EACH_SINK(s, conn_close, c);
}

void sink_set_exchange(struct sink_set *s, const struct exchange *x)
{
	EACH_SINK(s, exchange, x);
}

void sink_set_data(struct sink_set *s, const struct data_piece *d)
{
	EACH_SINK(s, data, d);
}

void sink_set_flush(struct sink_set *s)
{
	EACH_SINK(s, flush);
	sink_set_start(s);
}

void sink_set_start(struct sink_set *s)
{
	if (s->writer)
		writer_start(s->writer);
}

void sink_set_trim(struct sink_set *s)
{
	if (s->writer)
		writer_trim(s->writer);
}

void sink_set_summary(struct sink_set *s, const struct counters *total)
{
	EACH_SINK(s, summary, total);
	EACH_SINK(s, flush);
}

void sink_set_wait(struct sink_set *s)
{
	if (!s->writer)
		return;
	EACH_SINK(s, flush);
	wait_for_writer(s);
	EACH_SINK(s, flush);
}

void sink_set_queue_stats(const struct sink_set *s, struct writer_stats *ret)
{
	*ret = (struct writer_stats){ 0 };
	if (s->writer)
		writer_stats(s->writer, ret);
}

uint64_t sink_set_written(const struct sink_set *s)
{
	uint64_t sum = s->written;

	for (size_t i = 0; i < s->cnt; i++)
		if (s->sinks[i].sink && s->sinks[i].ops->written)
			sum += s->sinks[i].ops->written(s->sinks[i].sink);
	return sum;
}

bool sink_set_is_dead(const struct sink_set *s)
{
	return s->cnt && !s->alive_cnt;
}

void sink_set_close(struct sink_set *s)
{
	for (size_t i = 0; i < s->cnt; i++)
		if (s->sinks[i].sink)
			s->sinks[i].ops->close(s->sinks[i].sink);
	s->cnt = s->alive_cnt = 0;
	writer_free(s->writer);
	s->writer = NULL;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/out_file.h"
#include "json_identity.h"
#include "json_model.h"

enum {
	LINE_KEEP = 1 << 20, /* memory of a longer line is given back */
};

/* A line holds at most two bodies, which have their own limit, escaped. */
static const size_t line_max = (size_t)2 << 30;

struct sink {
	struct out_file file;
	struct buf line; /* being made */
	struct json_identities identities;
};

static bool claims(const char *spec)
{
	static const char suffix[] = ".jsonl";
	size_t len = strlen(spec), suffix_len = sizeof(suffix) - 1;

	return !strcmp(spec, "-") || (len > suffix_len && !strcmp(spec + len - suffix_len, suffix));
}

static int open_sink(const char *spec, const struct sink_options *opt, struct sink **ret,
		     struct error *ret_error)
{
	struct sink *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return error_set(ret_error, -ENOMEM, "cannot write %s: out of memory", spec);
	if (!strcmp(spec, "-"))
		out_file_borrow(&s->file, STDOUT_FILENO, OUT_FILE_BATCH);
	else
		r = out_file_open(&s->file, AT_FDCWD, spec, spec, opt->force, OUT_FILE_BATCH,
				  ret_error);
	if (r < 0) {
		free(s);
		return r;
	}
	out_file_use_writer(&s->file, opt->writer);
	buf_init(&s->line, line_max);
	*ret = s;
	return 0;
}

/* The line is made: it goes out whole or not at all. */
static int write_line(struct sink *s, struct json *j)
{
	int r = json_error(j);

	if (!r)
		r = buf_append_byte(&s->line, '\n');
	if (!r)
		r = out_file_give(&s->file, &s->line);
	if (!r)
		r = out_file_mark(&s->file);
	if (s->line.cap > LINE_KEEP)
		buf_done(&s->line);
	return r;
}

static void begin_line(struct sink *s, struct json *j)
{
	buf_reset(&s->line);
	json_init(j, &s->line);
}

static int on_exchange(struct sink *s, const struct exchange *x)
{
	struct json j;

	begin_line(s, &j);
	json_model_exchange(&j, &s->identities, x);
	return write_line(s, &j);
}

static int on_data(struct sink *s, const struct data_piece *d)
{
	struct json j;

	begin_line(s, &j);
	json_model_data(&j, &s->identities, d);
	return write_line(s, &j);
}

static int on_conn_close(struct sink *s, const struct connection *c)
{
	struct json j;

	begin_line(s, &j);
	json_object_begin(&j);
	json_model_conn_life(&j, c);
	json_object_end(&j);
	return write_line(s, &j);
}

static int on_summary(struct sink *s, const struct counters *total)
{
	struct json j;
	int r;

	begin_line(s, &j);
	json_model_summary(&j, total);
	r = write_line(s, &j);
	return r < 0 ? r : out_file_flush(&s->file);
}

static int flush(struct sink *s)
{
	return out_file_flush(&s->file);
}

static uint64_t written(const struct sink *s)
{
	return out_file_written(&s->file);
}

static void close_sink(struct sink *s)
{
	if (!s)
		return;
	out_file_close(&s->file);
	buf_done(&s->line);
	json_identities_done(&s->identities);
	free(s);
}

const struct sink_ops jsonl_sink = {
	.name = "jsonl",
	.help = "FILE.jsonl  one JSON object a line ('-': to standard output)",
	.claims = claims,
	.open = open_sink,
	.conn_close = on_conn_close,
	.exchange = on_exchange,
	.data = on_data,
	.flush = flush,
	.summary = on_summary,
	.written = written,
	.close = close_sink,
};

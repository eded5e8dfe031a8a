// SPDX-License-Identifier: BSD-2-Clause
/*
 * A stream's file is made when its first byte comes. At most OPEN_MAX files are open at a time:
 * streams with an open file stand in a list, the longest unused one first; it is closed when
 * another needs its place, and later opened again to append. Lost bytes are left out of the file;
 * the index says where they belong.
 *
 * All of that but the list is done by the writer, in the order in which it was asked for. So is a
 * connection's line in the index, which tells what its files really hold: its first half is made
 * when the connection closes, the second when the writer has closed the files.
 */
#include "dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/map.h"
#include "base/out_file.h"
#include "base/writer.h"
#include "json_model.h"
#include "model/connection.h"

enum {
	OPEN_MAX = 256, /* file descriptors */
	LINE_MAX_LEN = 16 << 20,
	GAP_MAX = 1024, /* holes listed per stream; all are summed up */
	NAME_MAX_LEN = 48,
};

struct hole {
	uint64_t off; /* in the direction, lost bytes counted */
	uint64_t len;
	unsigned causes;
};

struct stream {
	struct out_file file;
	char name[NAME_MAX_LEN];    /* "" while there is no file */
	struct stream *prev, *next; /* in the list of open ones */
	bool listed;
	struct hole *holes;
	size_t hole_cnt, hole_cap;
	uint64_t holes_total; /* how many there were, also those not listed */
	uint64_t lost;
};

struct conn_files {
	struct writer_job job; /* first: the last thing to be done */
	struct sink *sink;
	struct stream streams[DIR_CNT];
	struct buf line; /* of the index */
	struct json json;
};

struct sink {
	int dirfd;
	bool force;
	struct map conns; /* key of the connection -> struct conn_files, owned */
	struct stream *oldest, *newest;
	unsigned open_cnt;
	struct writer *writer;
	struct out_file index; /* used by the writer's jobs only, between opening and closing */
	uint64_t written;      /* by streams that are closed; the writer's jobs add to it */
	int error;	       /* the first failure of any file, set by the writer's jobs */
};

static bool claims(const char *spec)
{
	size_t len = strlen(spec);

	return len > 0 && spec[len - 1] == '/';
}

static int failure_of(const struct sink *s)
{
	return __atomic_load_n(&s->error, __ATOMIC_ACQUIRE);
}

static int open_folder(const char *spec, int *ret_fd, struct error *ret_error)
{
	int r, fd;

	if (mkdir(spec, 0700) < 0 && errno != EEXIST) {
		r = -errno;
		if (r == -ENOENT)
			return error_set(ret_error, r,
					 "%s: the folder above it does not exist: create it first",
					 spec);
		return error_set_errno(ret_error, r, "cannot create the folder %s", spec);
	}
	fd = open(spec, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		return error_set_errno(ret_error, r, "cannot open the folder %s", spec);
	}
	*ret_fd = fd;
	return 0;
}

static int open_sink(const char *spec, const struct sink_options *opt, struct sink **ret,
		     struct error *ret_error)
{
	struct sink *s = calloc(1, sizeof(*s));
	char shown[512];
	int r;

	if (!s)
		return error_set(ret_error, -ENOMEM, "cannot write %s: out of memory", spec);
	r = open_folder(spec, &s->dirfd, ret_error);
	if (r < 0)
		goto out_free;
	snprintf(shown, sizeof(shown), "%sindex.jsonl", spec);
	r = out_file_open(&s->index, s->dirfd, "index.jsonl", shown, opt->force, OUT_FILE_BATCH,
			  ret_error);
	if (r < 0)
		goto out_close;
	s->index.shared_error = &s->error;
	s->force = opt->force;
	s->writer = opt->writer;
	map_init(&s->conns);
	*ret = s;
	return 0;

out_close:
	close(s->dirfd);
out_free:
	free(s);
	return r;
}

static void unlist(struct sink *s, struct stream *st)
{
	if (!st->listed)
		return;
	*(st->prev ? &st->prev->next : &s->oldest) = st->next;
	*(st->next ? &st->next->prev : &s->newest) = st->prev;
	st->prev = st->next = NULL;
	st->listed = false;
	s->open_cnt--;
}

static void list_newest(struct sink *s, struct stream *st)
{
	unlist(s, st);
	st->prev = s->newest;
	*(s->newest ? &s->newest->next : &s->oldest) = st;
	s->newest = st;
	st->listed = true;
	s->open_cnt++;
}

static int make_room(struct sink *s)
{
	struct stream *victim = s->oldest;

	if (s->open_cnt < OPEN_MAX)
		return 0;
	unlist(s, victim);
	return out_file_pause(&victim->file);
}

/* The stream's file is open afterwards. */
static int use(struct sink *s, struct stream *st, const struct connection *c, enum dir dir)
{
	int r;

	if (st->listed) {
		if (s->newest != st)
			list_newest(s, st);
		return 0;
	}
	r = make_room(s);
	if (r < 0)
		return r;
	if (st->name[0]) {
		r = out_file_resume(&st->file, s->dirfd, st->name);
	} else {
		/* The id may come from a saved capture: it must stay a name in this folder. */
		if (!c->id[0] || c->id[0] == '.' || strchr(c->id, '/'))
			return -EINVAL;
		snprintf(st->name, sizeof(st->name), "%s.%s", c->id, dir_name(dir));
		st->file.keep_partial = true;
		st->file.shared_error = &s->error;
		r = out_file_create(&st->file, s->writer, s->dirfd, st->name, s->force,
				    OUT_FILE_BATCH);
	}
	if (r < 0)
		return r;
	list_newest(s, st);
	return 0;
}

/* NULL without memory. */
static struct conn_files *find_or_add(struct sink *s, const struct connection *c)
{
	struct conn_files *files = map_get(&s->conns, c->key);

	if (files)
		return files;
	files = calloc(1, sizeof(*files));
	if (!files)
		return NULL;
	files->sink = s;
	if (map_put(&s->conns, c->key, files) < 0) {
		free(files);
		return NULL;
	}
	return files;
}

static int on_bytes(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		    const uint8_t *data, size_t len)
{
	struct conn_files *files;
	struct stream *st;
	int r;

	if (!len)
		return 0;
	files = find_or_add(s, c);
	if (!files)
		return -ENOMEM;
	st = &files->streams[dir];
	r = use(s, st, c, dir);
	if (!r)
		r = out_file_write(&st->file, data, len);
	return r < 0 ? r : failure_of(s);
}

static int on_gap(struct sink *s, const struct connection *c, enum dir dir, uint64_t off,
		  uint64_t len, unsigned causes)
{
	struct conn_files *files = find_or_add(s, c);
	struct stream *st = files ? &files->streams[dir] : NULL;

	if (!st)
		return -ENOMEM;
	st->lost += len;
	st->holes_total++;
	if (st->hole_cnt == GAP_MAX)
		return 0;
	if (st->hole_cnt == st->hole_cap) {
		size_t cap = st->hole_cap ? st->hole_cap * 2 : 4;
		struct hole *holes = realloc(st->holes, cap * sizeof(*holes));

		if (!holes)
			return -ENOMEM;
		st->holes = holes;
		st->hole_cap = cap;
	}
	st->holes[st->hole_cnt++] = (struct hole){ off, len, causes };
	return 0;
}

static void stream_line(struct json *j, const char *key, const struct stream *st)
{
	json_key(j, key);
	json_object_begin(j);
	json_key(j, "file");
	json_c_str(j, st->file.made ? st->name : NULL);
	json_key(j, "bytes");
	json_u64(j, st->file.written);
	json_key(j, "lost_bytes");
	json_u64(j, st->lost);
	json_key(j, "gaps");
	json_array_begin(j);
	for (size_t i = 0; i < st->hole_cnt; i++) {
		json_object_begin(j);
		json_key(j, "offset");
		json_u64(j, st->holes[i].off);
		json_key(j, "len");
		json_u64(j, st->holes[i].len);
		json_model_causes(j, st->holes[i].causes);
		json_object_end(j);
	}
	json_array_end(j);
	json_key(j, "gaps_total");
	json_u64(j, st->holes_total);
	json_object_end(j);
}

static void begin_line(struct conn_files *files, const struct connection *c)
{
	struct json *j = &files->json;

	buf_init(&files->line, LINE_MAX_LEN);
	json_init(j, &files->line);
	json_object_begin(j);
	json_model_conn_life(j, c);
}

static int end_line(struct conn_files *files)
{
	struct json *j = &files->json;
	int r;

	stream_line(j, "sent", &files->streams[DIR_SENT]);
	stream_line(j, "received", &files->streams[DIR_RECEIVED]);
	json_object_end(j);
	r = json_error(j);
	return r < 0 ? r : buf_append_byte(&files->line, '\n');
}

static int write_index(struct sink *s, struct conn_files *files)
{
	int r = end_line(files);

	if (!r)
		r = out_file_give(&s->index, &files->line);
	if (!r)
		r = out_file_mark(&s->index);
	return r < 0 ? r : out_file_flush(&s->index);
}

/* Frees; what was written stays. */
static void free_files(struct conn_files *files)
{
	for (int dir = 0; dir < DIR_CNT; dir++)
		free(files->streams[dir].holes);
	buf_done(&files->line);
	free(files);
}

/* Both files are closed. */
static void finish(struct conn_files *files)
{
	struct sink *s = files->sink;

	for (int dir = 0; dir < DIR_CNT; dir++)
		__atomic_fetch_add(&s->written, files->streams[dir].file.written, __ATOMIC_RELAXED);
	free_files(files);
}

static void run_finish(struct writer_job *job)
{
	struct conn_files *files = (struct conn_files *)job;
	struct sink *s = files->sink;
	int r = write_index(s, files);

	if (r < 0 && !s->error)
		__atomic_store_n(&s->error, r, __ATOMIC_RELEASE);
	finish(files);
}

static void end_files(struct sink *s, struct conn_files *files)
{
	for (int dir = 0; dir < DIR_CNT; dir++) {
		unlist(s, &files->streams[dir]);
		out_file_end(&files->streams[dir].file);
	}
}

static int on_conn_close(struct sink *s, const struct connection *c)
{
	struct conn_files *files = find_or_add(s, c);

	if (!files)
		return -ENOMEM;
	map_remove(&s->conns, c->key);
	end_files(s, files);
	begin_line(files, c);
	files->job.run = run_finish;
	files->job.cost = sizeof(*files) + files->line.cap;
	if (s->writer)
		writer_submit(s->writer, &files->job);
	else
		run_finish(&files->job);
	return failure_of(s);
}

static int flush(struct sink *s)
{
	for (struct stream *st = s->oldest; st; st = st->next)
		out_file_flush(&st->file);
	return failure_of(s);
}

static uint64_t written(const struct sink *s)
{
	uint64_t sum = __atomic_load_n(&s->written, __ATOMIC_RELAXED);
	size_t pos = 0;
	uint64_t key;
	void *value;

	sum += out_file_written(&s->index);
	while (map_next(&s->conns, &pos, &key, &value)) {
		const struct conn_files *files = value;

		for (int dir = 0; dir < DIR_CNT; dir++)
			sum += out_file_written(&files->streams[dir].file);
	}
	return sum;
}

static void close_sink(struct sink *s)
{
	size_t pos = 0;
	uint64_t key;
	void *value;

	if (!s)
		return;
	while (map_next(&s->conns, &pos, &key, &value))
		end_files(s, value);
	if (s->writer)
		writer_wait(s->writer, writer_newest(s->writer));
	pos = 0;
	while (map_next(&s->conns, &pos, &key, &value))
		finish(value);
	map_done(&s->conns);
	out_file_close(&s->index);
	close(s->dirfd);
	free(s);
}

const struct sink_ops dir_sink = {
	.name = "dir",
	.help = "DIR/        the bytes of each connection, a file per direction, and index.jsonl",
	.claims = claims,
	.open = open_sink,
	.bytes = on_bytes,
	.gap = on_gap,
	.conn_close = on_conn_close,
	.flush = flush,
	.written = written,
	.close = close_sink,
};

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A stream's file is made when its first byte comes. At most OPEN_MAX files are open at a time:
 * streams with an open file stand in a list, the longest unused one first; it is closed when
 * another needs its place, and later opened again to append. Lost bytes are left out of the file;
 * the index says where they belong.
 */
#include "dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/out_file.h"
#include "json_model.h"
#include "model/connection.h"

enum {
	OPEN_MAX = 256,	      /* file descriptors */
	BATCH_MAX = 16 << 10, /* bytes that wait per stream; longer writes go straight out */
	INDEX_BATCH_MAX = 64 << 10,
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
	struct stream streams[DIR_CNT];
};

struct sink {
	int dirfd;
	bool force;
	struct map conns; /* key of the connection -> struct conn_files, owned */
	struct stream *oldest, *newest;
	unsigned open_cnt;
	struct out_file index;
	struct buf line;
	uint64_t written; /* by streams that are closed */
};

static bool claims(const char *spec)
{
	size_t len = strlen(spec);

	return len > 0 && spec[len - 1] == '/';
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
	r = out_file_open(&s->index, s->dirfd, "index.jsonl", shown, opt->force, INDEX_BATCH_MAX,
			  ret_error);
	if (r < 0)
		goto out_close;
	s->force = opt->force;
	map_init(&s->conns);
	buf_init(&s->line, 16 << 20);
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
		r = out_file_open(&st->file, s->dirfd, st->name, st->name, s->force, BATCH_MAX,
				  NULL);
		st->file.keep_partial = true;
		if (r < 0)
			st->name[0] = '\0';
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
	for (int dir = 0; dir < DIR_CNT; dir++)
		files->streams[dir].file.fd = -1;
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
	return r < 0 ? r : out_file_write(&st->file, data, len);
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
	json_c_str(j, st->name[0] ? st->name : NULL);
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

static void index_line(struct json *j, const struct connection *c, const struct conn_files *files)
{
	json_object_begin(j);
	json_key(j, "type");
	json_c_str(j, "connection");
	json_key(j, "opened");
	json_time(j, c->opened_ns);
	json_key(j, "closed");
	if (c->closed_ns)
		json_time(j, c->closed_ns);
	else
		json_null(j);
	json_key(j, "end");
	json_c_str(j, conn_end_name(c->end));
	json_model_process(j, c);
	json_model_conn(j, c);
	stream_line(j, "sent", &files->streams[DIR_SENT]);
	stream_line(j, "received", &files->streams[DIR_RECEIVED]);
	json_object_end(j);
}

static int write_index(struct sink *s, const struct connection *c, const struct conn_files *files)
{
	struct json j;
	int r;

	buf_reset(&s->line);
	json_init(&j, &s->line);
	index_line(&j, c, files);
	r = json_error(&j);
	if (!r)
		r = buf_append_byte(&s->line, '\n');
	if (!r)
		r = out_file_write(&s->index, s->line.data, s->line.len);
	return r < 0 ? r : out_file_mark(&s->index);
}

/* Frees; what was written stays. The first error of both files. */
static int close_files(struct sink *s, struct conn_files *files)
{
	int r = 0;

	for (int dir = 0; dir < DIR_CNT; dir++) {
		struct stream *st = &files->streams[dir];
		int failed;

		unlist(s, st);
		failed = out_file_close(&st->file);
		s->written += st->file.written;
		r = r ? r : failed;
	}
	return r;
}

static void free_files(struct conn_files *files)
{
	for (int dir = 0; dir < DIR_CNT; dir++)
		free(files->streams[dir].holes);
	free(files);
}

static int on_conn_close(struct sink *s, const struct connection *c)
{
	struct conn_files *files = find_or_add(s, c);
	int r, failed;

	if (!files)
		return -ENOMEM;
	map_remove(&s->conns, c->key);
	failed = close_files(s, files);
	r = write_index(s, c, files);
	free_files(files);
	return failed ? failed : r;
}

static int flush(struct sink *s)
{
	int r = out_file_flush(&s->index);

	for (struct stream *st = s->oldest; st; st = st->next) {
		int failed = out_file_flush(&st->file);

		r = r ? r : failed;
	}
	return r;
}

static uint64_t written(const struct sink *s)
{
	uint64_t sum = s->written + s->index.written;
	size_t pos = 0;
	uint64_t key;
	void *value;

	while (map_next(&s->conns, &pos, &key, &value)) {
		const struct conn_files *files = value;

		sum += files->streams[DIR_SENT].file.written +
		       files->streams[DIR_RECEIVED].file.written;
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
	while (map_next(&s->conns, &pos, &key, &value)) {
		close_files(s, value);
		free_files(value);
	}
	map_done(&s->conns);
	out_file_close(&s->index);
	buf_done(&s->line);
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

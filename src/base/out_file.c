// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes go into a batch, batches into the file. Marks remember where records ended in a batch; when
 * a write fails, the file is cut back to the last mark that is all in the file.
 *
 * Whatever touches the file itself is an operation of a job. Without a writer jobs are done where
 * they are made. With one, a full batch is the job: its memory goes through the queue and comes
 * back as a spare. One that is far from full is copied into a smaller job, so that what the queue
 * holds is mostly bytes. Without memory for a job, the queue is waited for and the operation done
 * here: nothing is lost.
 */
#include "out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "out_open.h"
#include "writer.h"

enum out_op { OUT_WRITE, OUT_CREATE, OUT_RESUME, OUT_PAUSE, OUT_CLOSE };

struct out_job {
	struct writer_job base; /* first: the writer knows only this */
	struct out_file *file;
	enum out_op op;
	/* To open: */
	int dirfd;
	const char *path;
	bool force;
	/* To write: */
	const uint8_t *data; /* in `tail`, `owned` or borrowed */
	size_t len;
	uint8_t *owned; /* to be freed; NULL: nothing */
	bool is_batch;	/* its tail has room for all marks and a whole batch */
	size_t mark_cnt;
	uint32_t tail[]; /* marks in `data`, then mostly `data` */
};

/* In front of the bytes of a batch. */
static const size_t marks_size = OUT_FILE_MARK_MAX * sizeof(uint32_t);

static void opened(struct out_file *f, int fd)
{
	struct stat st;

	f->fd = fd;
	f->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (f->regular && !f->borrowed)
		out_room_init(&f->room, fd);
	f->made = true;
}

static void start(struct out_file *f, size_t batch_max)
{
	*f = (struct out_file){ .fd = -1, .batch_max = batch_max, .open = true };
}

int out_file_open(struct out_file *f, int dirfd, const char *path, const char *shown, bool force,
		  size_t batch_max, struct error *ret_error)
{
	int fd = -1, r;

	*f = (struct out_file){ .fd = -1 };
	r = out_open(dirfd, path, force, &fd);
	if (r < 0)
		return out_open_error(ret_error, r, shown);
	start(f, batch_max);
	opened(f, fd);
	return 0;
}

void out_file_borrow(struct out_file *f, int fd, size_t batch_max)
{
	start(f, batch_max);
	opened(f, fd);
	f->borrowed = true;
}

void out_file_use_writer(struct out_file *f, struct writer *writer)
{
	f->writer = writer;
}

static size_t batch_cost(size_t batch_max)
{
	return sizeof(struct out_job) + marks_size + batch_max;
}

static uint8_t *bytes_of(struct out_job *batch)
{
	return (uint8_t *)batch->tail + marks_size;
}

struct writer *out_file_writer_new(size_t queue_max)
{
	return writer_new(queue_max, batch_cost(OUT_FILE_BATCH));
}

int out_file_error(const struct out_file *f)
{
	return __atomic_load_n(&f->error, __ATOMIC_ACQUIRE);
}

uint64_t out_file_written(const struct out_file *f)
{
	return __atomic_load_n(&f->written, __ATOMIC_ACQUIRE);
}

static void set_written(struct out_file *f, uint64_t written)
{
	__atomic_store_n(&f->written, written, __ATOMIC_RELEASE);
}

/* Takes what stands after the last complete record back out of the file. */
static void cut_back(struct out_file *f)
{
	uint64_t partial = f->written - f->safe;
	struct stat st;

	if (!f->regular || f->keep_partial || !partial || fstat(f->fd, &st) < 0)
		return;
	/* Only when what was written last is also what the file ends with. */
	if (lseek(f->fd, 0, SEEK_CUR) != st.st_size || (uint64_t)st.st_size < partial)
		return;
	if (ftruncate(f->fd, st.st_size - (off_t)partial) == 0) {
		lseek(f->fd, st.st_size - (off_t)partial, SEEK_SET);
		set_written(f, f->safe);
	}
}

static void set_error(struct out_file *f, int code)
{
	if (!f->error)
		__atomic_store_n(&f->error, code, __ATOMIC_RELEASE);
	if (f->shared_error && !*f->shared_error)
		__atomic_store_n(f->shared_error, code, __ATOMIC_RELEASE);
}

/* Of the bytes in `iov`, `n` are written. */
static void iov_consume(struct iovec **iov, int *cnt, size_t n)
{
	while (*cnt && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		++*iov;
		--*cnt;
	}
	if (*cnt) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

static int write_all(struct out_file *f, struct iovec *iov, int cnt)
{
	iov_consume(&iov, &cnt, 0);
	while (cnt) {
		ssize_t n = writev(f->fd, iov, cnt);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			/* A borrowed descriptor that someone else made non-blocking. */
			struct pollfd waiting = { .fd = f->fd, .events = POLLOUT };

			poll(&waiting, 1, -1);
			continue;
		}
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		set_written(f, f->written + (uint64_t)n);
		iov_consume(&iov, &cnt, (size_t)n);
	}
	return 0;
}

static int write_and_look_behind(struct out_file *f, struct iovec *iov, int cnt, size_t len)
{
	uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int r = write_all(f, iov, cnt);

	write_behind_judge(&f->behind, f->written, len,
			   clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns);
	write_behind(&f->behind, f->writer, f->fd, f->written);
	return r;
}

static const struct out_job *next_of(const struct out_job *job)
{
	return (const struct out_job *)job->base.next;
}

/* Up to the last mark that is all in the file. */
static void move_safe(struct out_file *f, uint64_t begin, const struct out_job *first)
{
	for (const struct out_job *job = first; job; job = next_of(job)) {
		for (size_t i = 0; i < job->mark_cnt && begin + job->tail[i] <= f->written; i++)
			f->safe = begin + job->tail[i];
		begin += job->len;
	}
}

/* What waits for the same file is written at once: the kernel takes it in larger pieces. */
static void do_write(struct out_file *f, const struct out_job *first)
{
	struct iovec iov[WRITER_JOIN_MAX];
	uint64_t begin = f->written;
	size_t len = 0;
	int cnt = 0, r;

	if (f->error)
		return;
	for (const struct out_job *job = first; job; job = next_of(job)) {
		iov[cnt++] = (struct iovec){ (void *)job->data, job->len };
		len += job->len;
	}
	out_room_make(&f->room, f->fd, f->written, len);
	if (f->writer && f->regular && !f->borrowed)
		r = write_and_look_behind(f, iov, cnt, len);
	else
		r = write_all(f, iov, cnt);
	move_safe(f, begin, first);
	if (r < 0) {
		cut_back(f);
		set_error(f, r);
	}
}

static int do_create(struct out_file *f, const struct out_job *job)
{
	int fd = -1;
	int r = out_open(job->dirfd, job->path, job->force, &fd);

	if (!r)
		opened(f, fd);
	return r;
}

static int do_resume(struct out_file *f, const struct out_job *job)
{
	if (f->error)
		return 0;
	f->fd = openat(job->dirfd, job->path, OUT_OPEN_FLAGS | O_APPEND);
	return f->fd < 0 ? -errno : 0;
}

static int do_close(struct out_file *f)
{
	int r = 0;

	if (f->fd >= 0)
		out_room_give_back(&f->room, f->fd, f->written);
	if (f->fd >= 0 && !f->borrowed && close(f->fd) < 0)
		r = -errno;
	f->fd = -1;
	return r;
}

static void do_job(const struct out_job *job)
{
	struct out_file *f = job->file;
	int r = 0;

	switch (job->op) {
	case OUT_WRITE:
		do_write(f, job);
		break;
	case OUT_CREATE:
		r = do_create(f, job);
		break;
	case OUT_RESUME:
		r = do_resume(f, job);
		break;
	case OUT_PAUSE:
	case OUT_CLOSE:
		r = do_close(f);
		break;
	}
	if (r < 0)
		set_error(f, r);
}

static void job_done(struct out_job *job, struct writer *writer)
{
	free(job->owned);
	if (job->is_batch)
		writer_recycle(writer, &job->base);
	else
		free(job);
}

/* In the writer's thread. The file may be gone when its last job is done: so nothing of it after.
 */
static void run_job(struct writer_job *first)
{
	struct out_job *job = (struct out_job *)first;
	struct writer *writer = job->file->writer;

	do_job(job);
	while (first) {
		struct writer_job *next = first->next;

		job_done((struct out_job *)first, writer);
		first = next;
	}
}

/* Of any two jobs: the second one may be somebody else's. */
static bool is_more_to_write(const struct writer_job *first, const struct writer_job *later)
{
	const struct out_job *a = (const struct out_job *)first, *b = (const struct out_job *)later;

	return later->run == run_job && a->op == OUT_WRITE && b->op == OUT_WRITE &&
	       a->file == b->file;
}

static void submit(struct out_file *f, struct out_job *job, size_t cost)
{
	job->base.run = run_job;
	job->base.joins = is_more_to_write;
	job->base.cost = cost;
	f->ticket = writer_submit(f->writer, &job->base);
}

/* Here, after all that is queued. */
static int do_here(struct out_file *f, const struct out_job *job)
{
	if (f->writer)
		writer_wait(f->writer, f->ticket);
	do_job(job);
	return f->error;
}

static int do_control(struct out_file *f, const struct out_job *order)
{
	struct out_job *job = f->writer ? malloc(sizeof(*job)) : NULL;

	if (!job)
		return do_here(f, order);
	*job = *order;
	submit(f, job, sizeof(*job));
	return out_file_error(f);
}

int out_file_create(struct out_file *f, struct writer *writer, int dirfd, const char *path,
		    bool force, size_t batch_max)
{
	struct out_job order = {
		.file = f, .op = OUT_CREATE, .dirfd = dirfd, .path = path, .force = force
	};
	struct out_file set = *f;

	start(f, batch_max);
	f->keep_partial = set.keep_partial;
	f->shared_error = set.shared_error;
	f->writer = writer;
	return do_control(f, &order);
}

/* The batch to fill; NULL without memory. */
static struct out_job *batch_of(struct out_file *f)
{
	struct out_job *job = f->batch;

	if (job || !f->batch_max)
		return job;
	if (f->writer && f->batch_max == OUT_FILE_BATCH)
		job = (struct out_job *)writer_take_spare(f->writer);
	if (!job)
		job = malloc(batch_cost(f->batch_max));
	if (!job)
		return NULL;
	*job = (struct out_job){
		.file = f, .op = OUT_WRITE, .data = bytes_of(job), .is_batch = true
	};
	f->batch = job;
	return job;
}

/* A copy without the room behind its bytes; NULL without memory. */
static struct out_job *small_copy(const struct out_job *job)
{
	size_t used = job->mark_cnt * sizeof(job->tail[0]);
	struct out_job *copy = malloc(sizeof(*job) + used + job->len);
	uint8_t *data;

	if (!copy)
		return NULL;
	*copy = *job;
	copy->is_batch = false;
	memcpy(copy->tail, job->tail, used);
	data = (uint8_t *)copy->tail + used;
	memcpy(data, job->data, job->len);
	copy->data = data;
	return copy;
}

/* To the writer; there is no batch then. */
static void queue_batch(struct out_file *f)
{
	struct out_job *job = f->batch;
	struct out_job *copy = job->len < f->batch_max / 2 ? small_copy(job) : NULL;

	f->batch = NULL;
	if (!copy) {
		submit(f, job, batch_cost(f->batch_max));
		return;
	}
	submit(f, copy, sizeof(*copy) + copy->mark_cnt * sizeof(copy->tail[0]) + copy->len);
	job->base.cost = batch_cost(f->batch_max);
	writer_recycle(f->writer, &job->base);
}

int out_file_flush(struct out_file *f)
{
	struct out_job *job = f->batch;

	if (!job || (!job->len && !job->mark_cnt))
		return out_file_error(f);
	if (f->writer) {
		queue_batch(f);
		return out_file_error(f);
	}
	do_job(job);
	job->len = 0;
	job->mark_cnt = 0;
	return f->error;
}

static int write_here(struct out_file *f, const void *data, size_t len)
{
	struct out_job order = { .file = f, .op = OUT_WRITE, .data = data, .len = len };

	out_file_flush(f);
	return do_here(f, &order);
}

/*
 * A batch ends where the file's length is a multiple of it, also after one that was flushed early:
 * the kernel keeps a file in pieces whose size depends on where they begin, and large ones take it
 * half the time.
 */
static size_t batch_room(const struct out_file *f, const struct out_job *batch)
{
	size_t room = f->batch_max - batch->len;
	size_t to_multiple = f->batch_max - f->accepted % f->batch_max;

	return to_multiple < room ? to_multiple : room;
}

int out_file_write(struct out_file *f, const void *data, size_t len)
{
	const uint8_t *from = data;

	if (out_file_error(f))
		return out_file_error(f);
	if (!f->writer && len > f->batch_max / 2) {
		f->accepted += len;
		return write_here(f, data, len);
	}
	while (len) {
		struct out_job *job = batch_of(f);
		size_t room, part;

		if (!job) {
			f->accepted += len;
			return write_here(f, from, len);
		}
		room = batch_room(f, job);
		part = room < len ? room : len;
		memcpy(bytes_of(job) + job->len, from, part);
		job->len += part;
		f->accepted += part;
		from += part;
		len -= part;
		if (part == room)
			out_file_flush(f);
	}
	return out_file_error(f);
}

int out_file_give(struct out_file *f, struct buf *b)
{
	struct out_job *job = NULL;
	int r;

	if (f->writer && b->len >= f->batch_max / 2 && !out_file_error(f))
		job = malloc(sizeof(*job));
	if (!job) {
		r = out_file_write(f, b->data, b->len);
		buf_reset(b);
		return r;
	}
	out_file_flush(f);
	f->accepted += b->len;
	*job = (struct out_job){ .file = f, .op = OUT_WRITE, .data = b->data, .len = b->len };
	job->owned = b->data;
	submit(f, job, sizeof(*job) + b->cap);
	buf_init(b, b->max);
	return out_file_error(f);
}

int out_file_mark(struct out_file *f)
{
	struct out_job *job;

	if (out_file_error(f))
		return out_file_error(f);
	if (f->batch && f->batch->mark_cnt == OUT_FILE_MARK_MAX)
		out_file_flush(f);
	job = batch_of(f);
	if (job) {
		job->tail[job->mark_cnt++] = (uint32_t)job->len;
		return out_file_error(f);
	}
	/* No memory for a mark, so nothing may be on its way. */
	if (f->writer)
		writer_wait(f->writer, f->ticket);
	f->safe = f->written;
	return f->error;
}

static int flush_for_good(struct out_file *f, enum out_op op)
{
	struct out_job order = { .file = f, .op = op };

	out_file_flush(f);
	free(f->batch);
	f->batch = NULL;
	return do_control(f, &order);
}

int out_file_pause(struct out_file *f)
{
	return flush_for_good(f, OUT_PAUSE);
}

int out_file_resume(struct out_file *f, int dirfd, const char *path)
{
	struct out_job order = { .file = f, .op = OUT_RESUME, .dirfd = dirfd, .path = path };

	return do_control(f, &order);
}

int out_file_end(struct out_file *f)
{
	if (!f->open)
		return out_file_error(f);
	f->open = false;
	return flush_for_good(f, OUT_CLOSE);
}

int out_file_close(struct out_file *f)
{
	out_file_end(f);
	if (f->writer)
		writer_wait(f->writer, f->ticket);
	return f->error;
}

const char *out_file_reason(int error)
{
	switch (error) {
	case -ENOSPC:
		return "the disk is full";
	case -EDQUOT:
		return "your disk quota is used up";
	case -EFBIG:
		return "the file has reached the size limit";
	case -EPIPE:
		return "the reader has gone";
	}
	return strerror(-error);
}

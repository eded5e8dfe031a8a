// SPDX-License-Identifier: BSD-2-Clause
#include "sent_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * Files are stamped with a clock that lags by a tick of the kernel at most (10 ms at 100 Hz): a
 * stamp later than the call is proof of a modification, one earlier by more than this of none.
 */
#define STAMP_LAG_NS	 INT64_C(20000000)
#define CLOCKS_APART_NS	 INT64_C(20000)
#define CLOCKS_TRIES_MAX 16

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* That moment on the clock of files: rather too early than too late. */
static int64_t wall_ns_of(uint64_t monotonic_ns)
{
	struct timespec before, wall, after;

	for (int i = 0; i < CLOCKS_TRIES_MAX; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		clock_gettime(CLOCK_REALTIME, &wall);
		clock_gettime(CLOCK_MONOTONIC, &after);
		if (ns_of(&after) - ns_of(&before) < CLOCKS_APART_NS)
			break;
	}
	return ns_of(&wall) - (ns_of(&after) - (int64_t)monotonic_ns);
}

/* A descriptor of our own for the program's; negative errno: it has none there, or has ended. */
static int borrow(pid_t pid, int fd)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0);
	int r;

	if (process < 0)
		return -errno;
	r = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	if (r < 0)
		r = -errno;
	close(process);
	return r;
}

static bool is_the_file(const struct sent_file_reader *r, int fd, const struct file_id *want)
{
	struct file_id is = { 0 };
	struct stat st;

	/* Nothing is asked of another file: reading a device could have effects, too. */
	return r->identify(r->user, fd, &is) == 0 && is.ino == want->ino && is.dev == want->dev &&
	       is.generation == want->generation && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_unmodified_since(int fd, int64_t wall_ns)
{
	struct stat st;

	return fstat(fd, &st) == 0 && ns_of(&st.st_mtim) <= wall_ns;
}

/* Each piece is read first and then looked at: what comes later cannot be in it. */
static uint64_t read_file(const struct sent_file_reader *r, int fd, int64_t wall_ns,
			  struct collector *c, struct pending_call *call)
{
	uint64_t done = 0;

	while (done < call->len) {
		uint64_t left = call->len - done;
		ssize_t n = pread(fd, r->buffer,
				  left < r->buffer_len ? (size_t)left : r->buffer_len,
				  (off_t)(call->file_off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !is_unmodified_since(fd, wall_ns))
			break;
		collect_pending_bytes(c, call, r->buffer, (size_t)n);
		done += (uint64_t)n;
	}
	return done;
}

uint64_t sent_file_read(const struct sent_file_reader *r, struct collector *c,
			struct pending_call *call, bool stopped)
{
	int64_t wall_ns = wall_ns_of(call->monotonic_ns) - (stopped ? 0 : STAMP_LAG_NS);
	uint64_t done = 0;
	int fd;

	if (!call->file.ino)
		return 0;
	fd = borrow(call->chunk.pid, call->fd);
	if (fd < 0)
		return 0;
	if (is_the_file(r, fd, &call->file))
		done = read_file(r, fd, wall_ns, c, call);
	close(fd);
	return done;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "write_behind.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "writer.h"

struct part {
	struct writer_job job; /* first: the writer knows only this */
	int fd;
	uint64_t off;
};

/* What the disk has not taken stays in the page cache: so it is waited for. */
static void give_up(int fd, uint64_t off)
{
	if (sync_file_range(fd, (off_t)off, WRITE_BEHIND_PART, SYNC_FILE_RANGE_WAIT_BEFORE) == 0)
		posix_fadvise(fd, (off_t)off, WRITE_BEHIND_PART, POSIX_FADV_DONTNEED);
}

static void run(struct writer_job *job)
{
	struct part *p = (struct part *)job;

	sync_file_range(p->fd, (off_t)p->off, WRITE_BEHIND_PART, SYNC_FILE_RANGE_WRITE);
	if (p->off >= WRITE_BEHIND_LAG)
		give_up(p->fd, p->off - WRITE_BEHIND_LAG);
	close(p->fd);
	free(p);
}

/* The file may be closed before its turn comes: so it has a descriptor of its own. */
static bool submit(struct writer *aside, int fd, uint64_t off)
{
	struct part *p = malloc(sizeof(*p));

	if (!p)
		return false;
	*p = (struct part){
		.job = { .cost = WRITE_BEHIND_PART, .run = run },
		.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
		.off = off,
	};
	if (p->fd >= 0 && writer_try_submit(aside, &p->job))
		return true;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	return false;
}

/* Memory that is there takes a tenth or a quarter of a nanosecond a byte. */
static bool took_too_long(uint64_t len, uint64_t cpu_ns)
{
	return cpu_ns > len;
}

void write_behind_judge(struct write_behind *b, uint64_t written, uint64_t len, uint64_t cpu_ns)
{
	b->slow = took_too_long(len, cpu_ns) ? b->slow + len : 0;
	if (b->slow >= WRITE_BEHIND_SLOW_LEN)
		b->until = written + WRITE_BEHIND_KEEP_LEN;
}

void write_behind(struct write_behind *b, struct writer *writer, int fd, uint64_t written)
{
	struct writer *aside;

	if (written >= b->until && !writer_is_behind(writer))
		return;
	aside = writer_aside(writer);
	while (aside && written - b->end >= WRITE_BEHIND_PART && submit(aside, fd, b->end))
		b->end += WRITE_BEHIND_PART;
}

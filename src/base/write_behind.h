/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For writes that take too long: the disk is told early to take what the file has in the page
 * cache, and what it has taken is given up, so that its memory is used again while it is warm. New
 * memory is dear where a host backs a virtual machine's late: then it takes up to eighteen times as
 * long to fill, and a writer that was fast enough no longer is.
 *
 * It is done aside, a little of it at a time: where the disk is what is slow, nothing waits for it
 * here. While all goes well it is not done at all, as it has its price, too.
 */
#ifndef PLAINTAP_BASE_WRITE_BEHIND_H
#define PLAINTAP_BASE_WRITE_BEHIND_H

#include <stdint.h>

struct writer;

enum {
	WRITE_BEHIND_PART = 4 << 20,
	WRITE_BEHIND_LAG =
		16 << 20, /* by then the disk has mostly taken it; else it is waited for */
	WRITE_BEHIND_SLOW_LEN = 1 << 20,   /* so much in a row took too long: it begins, … */
	WRITE_BEHIND_KEEP_LEN = 256 << 20, /* … for so much */
};

struct write_behind {
	uint64_t end;	/* the disk has been told of all before it */
	uint64_t until; /* it is done until the file has this length */
	uint64_t slow;	/* bytes in a row that took too long */
};

/* A write of `len` bytes took the thread `cpu_ns`; the file has `written` bytes now. */
void write_behind_judge(struct write_behind *b, uint64_t written, uint64_t len, uint64_t cpu_ns);
/*
 * In the thread of `writer`, which is writing to `fd`, a regular file of `written` bytes. To be
 * called after each write.
 */
void write_behind(struct write_behind *b, struct writer *writer, int fd, uint64_t written);

#endif

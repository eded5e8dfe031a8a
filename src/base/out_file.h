/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that plaintap writes: captured plaintext. They are made readable for their owner only, no
 * link is followed, nothing that exists is overwritten unasked, and when the disk is full the file
 * ends after the last complete record.
 */
#ifndef PLAINTAP_BASE_OUT_FILE_H
#define PLAINTAP_BASE_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"

enum { OUT_FILE_MARK_MAX = 128 };

struct out_file {
	int fd;		   /* -1: closed */
	bool borrowed;	   /* the descriptor is not ours to close */
	bool regular;	   /* a file that can be cut back */
	bool keep_partial; /* set by the user: any prefix is worth keeping, nothing is cut back */
	int error;	   /* the first failure, as negative errno: no more is written then */
	struct buf buf;	   /* waiting to be written; its maximum is the size of a batch */
	uint64_t accepted; /* bytes given to out_file_write() */
	uint64_t written;  /* bytes in the file (after a failure: those that stayed) */
	uint64_t marks[OUT_FILE_MARK_MAX]; /* in `accepted`: ends of records not yet all written */
	size_t mark_cnt;
	uint64_t safe; /* end of the last record that is all in the file */
};

/*
 * Makes a new file `path` (relative to `dirfd`, or AT_FDCWD), mode 0600. With `force` an existing
 * regular file is emptied instead, its mode set to 0600. A device or a pipe that exists is opened
 * as it is. Never through a symbolic link. `shown` names the file in errors: -EEXIST, -ELOOP,
 * -EISDIR, or what open() says. `batch_max`: how many bytes may wait.
 */
int out_file_open(struct out_file *f, int dirfd, const char *path, const char *shown, bool force,
		  size_t batch_max, struct error *ret_error);
/* Writes to a descriptor that stays the caller's. */
void out_file_borrow(struct out_file *f, int fd, size_t batch_max);
/* Flushes and gives the descriptor back, to go on later with out_file_resume(). Regular files. */
int out_file_pause(struct out_file *f);
int out_file_resume(struct out_file *f, int dirfd, const char *path);

/* Takes all of `data`, or fails for good: the error of this or an earlier write. */
int out_file_write(struct out_file *f, const void *data, size_t len);
/* A record ends here. */
int out_file_mark(struct out_file *f);
int out_file_flush(struct out_file *f);
/* Flushes and closes; 0 or the first error of the file's life. Closed ones and zeroed ones are
 * fine. */
int out_file_close(struct out_file *f);

/* "the disk is full", … : what -error means to a person who wanted to write a file. */
const char *out_file_reason(int error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that plaintap writes: captured plaintext. They are made readable for their owner only, no
 * link is followed, nothing that exists is overwritten unasked, and when the disk is full the file
 * ends after the last complete record. With a writer (writer.h) the disk is waited for by its
 * thread only.
 */
#ifndef PLAINTAP_BASE_OUT_FILE_H
#define PLAINTAP_BASE_OUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"
#include "out_room.h"
#include "write_behind.h"

struct out_job;
struct writer;

enum {
	OUT_FILE_MARK_MAX = 128,   /* records that end in one batch */
	OUT_FILE_BATCH = 64 << 10, /* the batch whose memory a writer uses again */
};

/*
 * With a writer, what is marked (w) belongs to the writer's thread while jobs are queued, and must
 * not be touched; `error` and `written` may be read by out_file_error() and out_file_written().
 */
struct out_file {
	int fd;		   /* (w) -1: closed */
	bool borrowed;	   /* the descriptor is not ours to close */
	bool regular;	   /* (w) a file that can be cut back */
	bool keep_partial; /* set by the user: any prefix is worth keeping, nothing is cut back */
	bool made;	   /* (w) it has been opened */
	int error;	   /* (w) the first failure, as negative errno: no more is written then */
	int *shared_error; /* set by the user, may be NULL: gets the first failure of several files
			    */
	uint64_t accepted; /* bytes given to out_file_write() */
	uint64_t written;  /* (w) bytes in the file (after a failure: those that stayed) */
	uint64_t safe;	   /* (w) end of the last record that is all in the file */
	struct out_room room;	    /* (w) */
	struct write_behind behind; /* (w) */
	struct writer *writer;	    /* borrowed; NULL: everything is done at once */
	size_t batch_max;
	struct out_job *batch; /* being filled, with the ends of records in it; NULL: none */
	uint64_t ticket;       /* of the newest job */
	bool open;	       /* not yet ended */
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
/*
 * The same as out_file_open(), by the writer: `path` must stay until then, errors come later. `f`
 * is zeroed but for keep_partial and shared_error.
 */
int out_file_create(struct out_file *f, struct writer *writer, int dirfd, const char *path,
		    bool force, size_t batch_max);
/* Before the first write: from now on the writer writes. NULL is fine. */
void out_file_use_writer(struct out_file *f, struct writer *writer);
/* A writer of this kind: its spares are batches of OUT_FILE_BATCH. NULL without memory. */
struct writer *out_file_writer_new(size_t queue_max);

/* Flushes and gives the descriptor back, to go on later with out_file_resume(). Regular files. */
int out_file_pause(struct out_file *f);
/* `path` must stay until the file is closed. */
int out_file_resume(struct out_file *f, int dirfd, const char *path);

/*
 * Takes all of `data`, or fails for good: the error of this or an earlier write. With a writer an
 * error is known some calls later, what was given meanwhile is dropped.
 */
int out_file_write(struct out_file *f, const void *data, size_t len);
/* The same for all of `b`, which is empty then: much is handed to the writer without a copy. */
int out_file_give(struct out_file *f, struct buf *b);
/* A record ends here. */
int out_file_mark(struct out_file *f);
/* Everything given is written, or with a writer: is queued. */
int out_file_flush(struct out_file *f);
/* Flushes and closes, or has it queued; `f` must stay until the writer is that far. */
int out_file_end(struct out_file *f);
/* Flushes and closes; 0 or the first error of the file's life. Closed ones and zeroed ones are
 * fine. */
int out_file_close(struct out_file *f);
/* At any time, from the thread that writes or the writer's. */
int out_file_error(const struct out_file *f);
uint64_t out_file_written(const struct out_file *f);

/* "the disk is full", … : what -error means to a person who wanted to write a file. */
const char *out_file_reason(int error);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room on the disk that a long file gets ahead of what is written: at once, that is cheaper than
 * block by block (by a quarter of a write's time on ext4). The file's length does not show it.
 */
#ifndef PLAINTAP_BASE_OUT_ROOM_H
#define PLAINTAP_BASE_OUT_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file of this length gets this much, so it is never more than doubled. */
enum { OUT_ROOM_PART = 2 << 20 };

struct out_room {
	bool usable;
	uint64_t end; /* in the file, of the room; 0: none was made */
};

/* For a regular file that was empty. */
void out_room_init(struct out_room *room, int fd);
/* `len` bytes are to be written at `written`, the file's end. */
void out_room_make(struct out_room *room, int fd, uint64_t written, size_t len);
/*
 * No more is written for now: gives the rest back, if the file does end at `written` and is
 * positioned there: somebody else may have written to it. After a crash it stays with the file.
 */
void out_room_give_back(struct out_room *room, int fd, uint64_t written);

#endif

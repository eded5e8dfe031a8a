// SPDX-License-Identifier: BSD-2-Clause
#include "out_room.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Elsewhere it may cost time (a request to a server, pages that are cleared) or defeat compression.
 */
static bool pays(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC;
}

void out_room_init(struct out_room *room, int fd)
{
	*room = (struct out_room){ .usable = pays(fd) };
}

void out_room_make(struct out_room *room, int fd, uint64_t written, size_t len)
{
	uint64_t begin = room->end > written ? room->end : written;
	uint64_t end = written + len + OUT_ROOM_PART;

	if (!room->usable || written < OUT_ROOM_PART || written + len <= room->end)
		return;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)begin, (off_t)(end - begin)) == 0)
		room->end = end;
	else
		room->usable = false;
}

void out_room_give_back(struct out_room *room, int fd, uint64_t written)
{
	struct stat st;

	if (room->end > written && fstat(fd, &st) == 0 && (uint64_t)st.st_size == written &&
	    lseek(fd, 0, SEEK_CUR) == st.st_size)
		(void)!ftruncate(fd, st.st_size);
	room->end = 0;
}

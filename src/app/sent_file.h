/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what a program has sent from a file: through a duplicate of its own descriptor, so that
 * deleted files and those that cannot be opened twice are there too, and at a place of our own
 * choice, so that the program's position in the file stays.
 *
 * Never wrong bytes: the file must be the one that the call began with, and must not have been
 * modified since. By its time of modification, that is: what is written through a mapping may not
 * show in that.
 */
#ifndef PLAINTAP_APP_SENT_FILE_H
#define PLAINTAP_APP_SENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collect.h"

struct sent_file_reader {
	/* Names a file of our own as the kernel side does; negative: it cannot. */
	int (*identify)(void *user, int fd, struct file_id *ret);
	void *user;
	uint8_t *buffer;
	size_t buffer_len;
};

/*
 * Hands the bytes of `call` to the collector, as far as they can be had and trusted. Returns how
 * many; `call` is then at the first that could not. A process that is not `stopped` may have
 * modified the file in the last tick of the clock that files are stamped with: one that was
 * modified so shortly before the call is then not trusted.
 */
uint64_t sent_file_read(const struct sent_file_reader *r, struct collector *c,
			struct pending_call *call, bool stopped);

#endif

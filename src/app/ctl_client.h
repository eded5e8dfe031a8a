/* SPDX-License-Identifier: BSD-2-Clause */
/* The other end of ctl_socket.h. */
#ifndef PLAINTAP_APP_CTL_CLIENT_H
#define PLAINTAP_APP_CTL_CLIENT_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Gives an order (one line, without its line feed) to the plaintap that listens at `path` and
 * appends its answer. What it answers as an error is one here: -EPROTO with its sentence; also
 * -ETIMEDOUT and what connect() gives.
 */
int ctl_ask(const char *path, const char *order, struct buf *answer, struct error *ret_error);

/* The pids of those that listen in `folder`, at most `max`; how many. Removes dead sockets. */
size_t ctl_find(const char *folder, pid_t *ret_pids, size_t max);

#endif

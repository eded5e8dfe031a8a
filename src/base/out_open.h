/* SPDX-License-Identifier: BSD-2-Clause */
/* How an output's file is opened; see out_file_open(). */
#ifndef PLAINTAP_BASE_OUT_OPEN_H
#define PLAINTAP_BASE_OUT_OPEN_H

#include <fcntl.h>
#include <stdbool.h>

#include "error.h"

enum { OUT_OPEN_FLAGS = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY };

/* 0 or a negative errno; a name that was there is as out_file_open() says. */
int out_open(int dirfd, const char *path, bool force, int *ret_fd);
/* Says what `code` of out_open() means, and returns it. */
int out_open_error(struct error *err, int code, const char *shown);

#endif

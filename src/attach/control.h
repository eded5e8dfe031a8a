/* SPDX-License-Identifier: BSD-2-Clause */
/* The page that user space and the kernel side share. */
#ifndef PLAINTAP_ATTACH_CONTROL_H
#define PLAINTAP_ATTACH_CONTROL_H

#include "records.h"

/* Maps the only value of the array map `fd`; NULL with errno set. control_unmap() gives it back. */
struct capture_control *control_map(int fd);
/* NULL is fine. */
void control_unmap(struct capture_control *c);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the kernel side where a library's objects keep what says who is talking. */
#ifndef PLAINTAP_ATTACH_LAYOUT_TABLE_H
#define PLAINTAP_ATTACH_LAYOUT_TABLE_H

#include <stdbool.h>

#include "conn_record.h"

struct target;
struct tls_layout;

void layout_table_convert(const struct tls_layout *from, struct conn_layout *ret);

/*
 * Into the kernel's table. Where links carry no cookie, calls do not say which target they belong
 * to: then only a target that `is_only` one counts, and another takes its place away.
 */
int layout_table_put(int map_fd, const struct target *t, bool has_cookie, bool is_only);

#endif

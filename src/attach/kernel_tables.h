/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what the kernel side still holds about connections. */
#ifndef PLAINTAP_ATTACH_KERNEL_TABLES_H
#define PLAINTAP_ATTACH_KERNEL_TABLES_H

#include <stdint.h>
#include <sys/types.h>

#include "conn_record.h"

struct kernel_side;

typedef void (*conn_state_fn)(void *user, pid_t pid, const struct conn_state *state);
typedef void (*unsent_end_fn)(void *user, const struct unsent_end *end);

/*
 * Takes connections out of the kernel's table and hands each to `fn`: those of process `pid` that
 * began before `before_ns` (CLOCK_MONOTONIC; a later one belongs to another program under the same
 * pid), or with pid 0 all of every process. For processes that have ended, and for the end of the
 * capture.
 */
void kernel_tables_take_conns(struct kernel_side *k, pid_t pid, uint64_t before_ns,
			      conn_state_fn fn, void *user);

/*
 * How a connection stood whose process has ended: what its library had said, and what had become of
 * its socket by then. That the exit itself reset it may be known or not, and so never is.
 */
struct conn_closing kernel_tables_closing(struct kernel_side *k, const struct conn_state *state);

/* As kernel_tables_take_conns(), for ends that found the ring full. */
void kernel_tables_take_unsent_ends(struct kernel_side *k, unsent_end_fn fn, void *user);

/* The kernel side's own counters, summed over all CPUs. */
int kernel_tables_stats(const struct kernel_side *k, struct kernel_stats *ret);

/* How many processors there may be, by number from 0 on; 0: not known. */
unsigned kernel_tables_cpu_cnt(void);
/* How many calls each of the first `cnt` has seen. */
int kernel_tables_calls(const struct kernel_side *k, uint64_t *ret, unsigned cnt);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts how often the places of one target are reached in one process. Reads no plaintext. */
#ifndef PLAINTAP_ATTACH_HIT_COUNTER_H
#define PLAINTAP_ATTACH_HIT_COUNTER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "model/target.h"

struct hit_counter;

/*
 * Probes the points of `t` in process `pid` (also in the program that it starts, not in its
 * children); other processes pay nothing. `t` is borrowed meanwhile. -errno with a sentence.
 */
int hit_counter_new(const struct target *t, pid_t pid, struct hit_counter **ret,
		    struct error *ret_error);
/* Detaches. NULL is fine. */
void hit_counter_free(struct hit_counter *c);

const struct target *hit_counter_target(const struct hit_counter *c);
/* Of the i-th point of the target, until now. */
uint64_t hit_counter_hits(const struct hit_counter *c, size_t point);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The attachments of all targets. */
#ifndef PLAINTAP_ATTACH_ATTACHMENT_SET_H
#define PLAINTAP_ATTACH_ATTACHMENT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct attachment;
struct prober;
struct target;

struct attachment_set {
	struct attachment **items; /* owned */
	size_t cnt;
	uint64_t next_check_ns;
};

/* As attachment_new(). */
int attachment_set_add(struct attachment_set *s, const struct prober *p, const struct target *t,
		       bool is_near, struct error *ret_error);
/* Borrowed; NULL: it has no probes. */
struct attachment *attachment_set_find(const struct attachment_set *s, const struct target *t);
/* A process uses the target with that id; 0: it is not known which. See attachment_used_by(). */
void attachment_set_used_by(struct attachment_set *s, uint32_t target, pid_t pid);
/* Looks how the checks of places go, every few ms. */
void attachment_set_check(struct attachment_set *s, uint64_t now_ns);
/* See attachment_end_check(). */
void attachment_set_end_checks(struct attachment_set *s);
void attachment_set_done(struct attachment_set *s);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The probes of one target, and the check of their places: where a function inside the library is
 * probed, the first calls are compared with what the exported functions return, by probes that go
 * when that is done. If they differ, the exported functions are probed instead.
 */
#ifndef PLAINTAP_ATTACH_ATTACHMENT_H
#define PLAINTAP_ATTACH_ATTACHMENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct attachment;
struct prober;
struct target;

/*
 * Probes the points of `t`, or, if the kernel refuses them, its fallbacks. `p` and `t` are
 * borrowed for as long as the object lives. With `is_near` the probes are in p->home only, until
 * attachment_widen(). -errno with a sentence; -ESRCH: that process has ended.
 */
int attachment_new(const struct prober *p, const struct target *t, bool is_near,
		   struct attachment **ret, struct error *ret_error);
const struct target *attachment_target(const struct attachment *a);
bool attachment_is_near(const struct attachment *a);
/* Everywhere from now on; 0 also if they are already. */
int attachment_widen(struct attachment *a);
/* A watched process uses the library: if nobody's calls have been checked yet, its will be. */
void attachment_used_by(struct attachment *a, pid_t pid);
/*
 * Looks how the check goes, and ends it when there is enough to say. A mismatch is told as a
 * warning. Cheap, and never waits for the kernel to take a probe off, but after a mismatch.
 */
void attachment_check(struct attachment *a);
/* Is the check still going on? */
bool attachment_is_checked(const struct attachment *a);
/* The last look at the check; from now on nothing is judged. The witnesses go in the background. */
void attachment_end_check(struct attachment *a);
/*
 * After attachment_end_check(): takes the probes off and waits until the kernel has done it, also
 * for the witnesses. Several attachments may do so at the same time, in threads.
 */
void attachment_detach(struct attachment *a);
/* Does both. NULL is fine. */
void attachment_free(struct attachment *a);

#endif

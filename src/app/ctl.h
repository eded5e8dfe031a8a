/* SPDX-License-Identifier: BSD-2-Clause */
/* Orders to a running plaintap: what they do. */
#ifndef PLAINTAP_APP_CTL_H
#define PLAINTAP_APP_CTL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct app;

/* Listens. Fails only where app_options.ctl names a place; else it goes without. */
int ctl_open(struct app *a, struct error *ret_error);
void ctl_serve(struct app *a, uint64_t now_ns);
/* One order, as a line without its end; a ctl_order_fn with the struct app. */
int ctl_obey(void *user, struct str line, struct buf *answer, struct error *ret_error);

#endif

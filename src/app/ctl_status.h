/* SPDX-License-Identifier: BSD-2-Clause */
/* What a running plaintap does, told while it does it. */
#ifndef PLAINTAP_APP_CTL_STATUS_H
#define PLAINTAP_APP_CTL_STATUS_H

#include "base/buf.h"

struct app;

/* At most so many processes are listed; their number is always told. */
enum { CTL_STATUS_PROCESS_MAX = 1000 };

/* One JSON object and a line feed; docs/JSON.md describes it. -ENOMEM, -ENOBUFS. */
int ctl_status_json(struct app *a, struct buf *out);
/* The same for people. */
int ctl_status_text(struct app *a, struct buf *out);

#endif

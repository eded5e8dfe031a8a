/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: drains the ring, heeds signals, knows when it is over. */
#ifndef PLAINTAP_APP_LOOP_H
#define PLAINTAP_APP_LOOP_H

#include "base/error.h"

struct app;
struct connection;
struct load_event;
struct pending_call;
struct process_change;

/* Blocks the signals that the loop takes and opens its descriptors. */
int loop_open(struct app *a, struct error *ret_error);
/* Until the run is over. */
void loop_run(struct app *a);
/* Takes all that is in the ring now. */
void loop_drain(struct app *a);
/* Takes what is in the ring now, or waits a little. `user` is the struct app. */
void loop_make_room(void *user);
void loop_close(struct app *a);

/* A pipeline_watcher's functions; `user` is the struct app. */
void loop_process_changed(void *user, const struct process_change *change);
void loop_loaded(void *user, const struct load_event *e);
void loop_conn_opened(void *user, const struct connection *c);
void loop_take_pending(void *user, const struct pending_call *call);

#endif

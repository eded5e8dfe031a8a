/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects that several outputs write the same way. docs/JSON.md documents every field. */
#ifndef PLAINTAP_SINK_JSON_MODEL_H
#define PLAINTAP_SINK_JSON_MODEL_H

#include <stdint.h>

#include "base/json.h"

struct connection;
struct counters;
struct data_piece;
struct exchange;
struct json_identities;

/* "process":{…},"conn":{…} */
void json_model_identity(struct json *j, const struct connection *c);
/* From "type" to "conn": what a line about a connection that has ended begins with. */
void json_model_conn_life(struct json *j, const struct connection *c);
/* "gap_causes":[…] */
void json_model_causes(struct json *j, unsigned causes);
/* Whole lines, without the line break. */
void json_model_exchange(struct json *j, struct json_identities *known, const struct exchange *x);
void json_model_data(struct json *j, struct json_identities *known, const struct data_piece *d);
void json_model_summary(struct json *j, const struct counters *c);

#endif

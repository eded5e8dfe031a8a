/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of a line that says who talks. It is longer than most of what is said, and the same in
 * each line about a connection until more is known of it: so it is made once, and copied.
 */
#ifndef PLAINTAP_SINK_JSON_IDENTITY_H
#define PLAINTAP_SINK_JSON_IDENTITY_H

#include "base/json.h"
#include "model/connection.h"

enum { JSON_IDENTITY_CNT = 128 };

/* As it was made for a connection that looked like this. */
struct json_identity {
	struct connection seen;
	pid_t ns_pid; /* of its process: all else there is never changed */
	struct buf text;
};

/* All 0 at first. Of those that share a place the last one is kept. */
struct json_identities {
	struct json_identity items[JSON_IDENTITY_CNT];
};

/* "process":{…},"conn":{…} */
void json_identity(struct json *j, struct json_identities *known, const struct connection *c);
void json_identities_done(struct json_identities *known);

#endif

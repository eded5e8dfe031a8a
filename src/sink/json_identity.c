// SPDX-License-Identifier: BSD-2-Clause
#include "json_identity.h"

#include <stddef.h>
#include <string.h>

#include "json_model.h"
#include "model/process.h"

/* A longer one is made anew for each line. */
enum { TEXT_MAX = 16 << 10 };

/* The fields that are told stand in a row; their strings are never changed, only added. */
enum {
	TOLD_AT = offsetof(struct connection, key),
	TOLD_END = offsetof(struct connection, opened_ns),
};

static bool is_of(const struct json_identity *known, const struct connection *c)
{
	return known->text.len && known->ns_pid == c->process->ns_pid &&
	       !memcmp((const char *)&known->seen + TOLD_AT, (const char *)c + TOLD_AT,
		       TOLD_END - TOLD_AT);
}

/* Without memory, or too long: it stays empty. */
static void make(struct json_identity *known, const struct connection *c)
{
	struct json j;

	buf_done(&known->text);
	buf_init(&known->text, TEXT_MAX);
	json_init(&j, &known->text);
	json_model_identity(&j, c);
	if (json_error(&j))
		buf_done(&known->text);
	known->seen = *c;
	known->ns_pid = c->process->ns_pid;
}

/* The key is a time above the number of a processor: its middle bits differ most. */
static struct json_identity *place_of(struct json_identities *known, uint64_t key)
{
	return &known->items[(key ^ key >> 16 ^ key >> 32) % JSON_IDENTITY_CNT];
}

void json_identity(struct json *j, struct json_identities *known, const struct connection *c)
{
	struct json_identity *mine = place_of(known, c->key);

	if (!is_of(mine, c))
		make(mine, c);
	if (mine->text.len)
		json_members(j, str_make(mine->text.data, mine->text.len));
	else
		json_model_identity(j, c);
}

void json_identities_done(struct json_identities *known)
{
	for (size_t i = 0; i < JSON_IDENTITY_CNT; i++)
		buf_done(&known->items[i].text);
}

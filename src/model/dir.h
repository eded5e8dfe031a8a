/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_MODEL_DIR_H
#define PLAINTAP_MODEL_DIR_H

/* Seen from the traced program. The values are also indexes. */
enum dir {
	DIR_SENT,
	DIR_RECEIVED,
	DIR_CNT,
};

/* "sent" or "received". */
static inline const char *dir_name(enum dir dir)
{
	return dir == DIR_SENT ? "sent" : "received";
}

static inline enum dir dir_other(enum dir dir)
{
	return dir == DIR_SENT ? DIR_RECEIVED : DIR_SENT;
}

#endif

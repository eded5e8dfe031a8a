/* SPDX-License-Identifier: BSD-2-Clause */
/* A function by which a program executes another one: probed to look at that file before it runs.
 */
#ifndef PLAINTAP_MODEL_EXEC_CALL_H
#define PLAINTAP_MODEL_EXEC_CALL_H

#include <stdint.h>

/* Where it is told what to execute. */
enum exec_call_kind {
	EXEC_CALL_PATH,	   /* a path is its first argument */
	EXEC_CALL_PATH_AT, /* a folder's descriptor is, and then comes a path */
	EXEC_CALL_FD,	   /* the file's descriptor is */
};

struct exec_call {
	uint64_t file_off; /* of its first instruction */
	enum exec_call_kind kind;
};

#endif

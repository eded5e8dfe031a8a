/* SPDX-License-Identifier: BSD-2-Clause */
/* A function by which a program forks: probed where its child must not run before it is seen. */
#ifndef PLAINTAP_MODEL_FORK_CALL_H
#define PLAINTAP_MODEL_FORK_CALL_H

#include <stdbool.h>
#include <stdint.h>

struct fork_call {
	uint64_t file_off; /* of its first instruction */
	bool has_flags;	   /* its argument 2 are the flags of clone(2) */
};

#endif

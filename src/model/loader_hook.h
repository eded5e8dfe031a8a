/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a program's loader tells debuggers what it has loaded: probed to see libraries come. */
#ifndef PLAINTAP_MODEL_LOADER_HOOK_H
#define PLAINTAP_MODEL_LOADER_HOOK_H

#include <stdbool.h>
#include <stdint.h>

struct loader_hook {
	uint64_t file_off; /* of the first instruction of the function that it calls then */
	int32_t distance;  /* bytes from there to its struct r_debug */
	bool is_pointer;   /* a pointer to that lies there instead */
};

#endif

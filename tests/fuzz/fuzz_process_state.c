/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "discover/process_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts of /proc: all is within its limits, and every walk comes to an end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size);
	struct process_state s = { 0 };
	struct net_socket socket;
	size_t lines = 0;
	int r;

	process_state_parse_status(rest, &s);
	process_state_parse_stat(rest, &s);
	if (s.seccomp < -1 || s.seccomp > 2 || s.leader < 0 || strlen(s.comm) >= sizeof(s.comm))
		abort();
	ktls_stat_in_use(rest);
	while ((r = net_socket_next(&rest, &socket)) != 0)
		if (++lines > size || (r > 0 && (socket.local_port > 65535 || socket.state > 255)))
			abort();
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "summary.h"

#include <inttypes.h>

#include "app/app.h"
#include "model/gap.h"

static void print_count(FILE *to, uint64_t n, const char *what)
{
	fprintf(to, "%" PRIu64 " %s%s, ", n, what, n == 1 ? "" : "s");
}

static const char *cause_for_people(unsigned bit)
{
	static const char *const texts[GAP_CAUSE_CNT] = { "the buffer was full (--buffer)",
							  "memory not readable",
							  "one call too long for this kernel",
							  "calls that the probes did not see whole",
							  "a limit of plaintap",
							  "cause unknown" };

	return texts[bit];
}

static void print_lost(FILE *to, const struct counters *c)
{
	uint64_t refused = c->stream.bytes_refused + c->collect.bytes_invalid;
	const char *sep = "";

	fprintf(to, "%" PRIu64 " bytes LOST (", counters_lost_bytes(c));
	for (unsigned bit = 0; bit < GAP_CAUSE_CNT; bit++) {
		if (!c->kernel.bytes_dropped[bit])
			continue;
		fprintf(to, "%s%" PRIu64 ": %s", sep, c->kernel.bytes_dropped[bit],
			cause_for_people(bit));
		sep = "; ";
	}
	if (c->collect.bytes_unreadable) {
		fprintf(to, "%s%" PRIu64 ": a program's memory or file was not readable in time",
			sep, c->collect.bytes_unreadable);
		sep = "; ";
	}
	if (refused)
		fprintf(to, "%s%" PRIu64 ": %s", sep, refused, "too many connections or no memory");
	fputc(')', to);
	if (c->sink.waits)
		fprintf(to, ", outputs too slow for %" PRIu64 " ms (--queue)",
			c->sink.wait_ns / 1000000);
}

static void print_connections(FILE *to, const struct counters *c)
{
	uint64_t n = c->stream.connections, unknown = c->stream.connections_unaddressed;

	fprintf(to, "%" PRIu64 " connection%s", n, n == 1 ? "" : "s");
	if (unknown)
		fprintf(to, " (%" PRIu64 " without a known address)", unknown);
	fputs(", ", to);
}

void summary_print(FILE *to, const struct app_result *result)
{
	const struct counters *c = &result->counters;
	uint64_t filtered = c->kernel.conns_filtered + c->stream.conns_filtered;

	fputs("plaintap: ", to);
	print_connections(to, c);
	print_count(to, c->exchange.exchanges, "exchange");
	fprintf(to, "%" PRIu64 " bytes captured, ", c->stream.bytes);
	if (counters_lost_bytes(c))
		print_lost(to, c);
	else
		fputs("0 bytes lost", to);
	if (filtered)
		fprintf(to, "; %" PRIu64 " connection%s filtered out", filtered,
			filtered == 1 ? "" : "s");
	if (c->kernel.states_dropped)
		fprintf(to, "; %" PRIu64 " calls could not be followed: their bytes are unknown",
			c->kernel.states_dropped);
	if (!result->balanced)
		fputs("; the counters do not balance, please report this", to);
	fputc('\n', to);
}

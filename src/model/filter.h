/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person asks for by --comm, --exclude-uid and so on, as typed. */
#ifndef PLAINTAP_MODEL_FILTER_H
#define PLAINTAP_MODEL_FILTER_H

#include <stdbool.h>
#include <stdint.h>

enum filter_kind {
	FILTER_PID, /* to be kept out only: others are named by -p */
	FILTER_COMM,
	FILTER_UID,
	FILTER_EXE,
	FILTER_CGROUP,
	FILTER_CONTAINER,
	FILTER_NETNS,
	FILTER_PORT, /* from here on of connections */
	FILTER_HOST,
	FILTER_KIND_CNT,
};

struct filter_word {
	enum filter_kind kind;
	bool exclude;
	const char *text; /* borrowed */
};

/* A control group, as the kernel knows it. */
struct group_id {
	uint64_t inode;
	uint32_t hierarchy; /* its number; 0: version 2's */
};

/* Does it say something of processes, or else of connections? */
bool filter_kind_is_of_process(enum filter_kind kind);
/* The option without its dashes: "comm"; the same with "exclude-" in front. */
const char *filter_kind_name(enum filter_kind kind);

/* For the beginning of an error: "--exclude-comm x". */
#define FILTER_WORD_FMT	    "--%s%s %s"
#define FILTER_WORD_ARGS(w) (w)->exclude ? "exclude-" : "", filter_kind_name((w)->kind), (w)->text

#endif

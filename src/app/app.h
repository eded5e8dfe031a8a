/* SPDX-License-Identifier: BSD-2-Clause */
/* The program without its command line: wires the stages, runs, and says how it went. */
#ifndef PLAINTAP_APP_APP_H
#define PLAINTAP_APP_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "model/counters.h"
#include "model/filter.h"

/* All pointers are borrowed for the run. */
struct app_options {
	const pid_t *pids; /* processes to watch */
	size_t pid_cnt;
	bool no_children; /* … without the processes that they have started or will start */
	char **command;	  /* program to run and watch, NULL-terminated; NULL: none */
	const struct filter_word *filters; /* all must agree, also with pids and command */
	size_t filter_cnt;
	const char *const *outputs; /* specs of -o; none: the terminal */
	size_t output_cnt;
	uint64_t body_limit;	 /* bytes kept of each body */
	uint32_t ring_size;	 /* bytes, a power of two */
	uint64_t queue_size;	 /* bytes that may wait to be written */
	unsigned forbidden;	 /* kernel features not to use, bits by app_feature_bit() */
	bool plain_placement;	 /* probe exported functions at their start only; for tests */
	const char *ctl;	 /* where to take orders; NULL: the usual place; "off": nowhere */
	int ready_fd;		 /* gets a newline when the probes are in place; -1: none */
	bool no_pause;		 /* never stop a program for a moment, rather lose bytes */
	bool slow;		 /* stop programs when the ring fills, rather than lose bytes */
	bool force;		 /* overwrite existing files */
	bool color;		 /* for the terminal */
	unsigned terminal_width; /* columns; 0: unknown */
};

struct app_result {
	bool has_command_status;
	int command_status; /* as a shell gives it: exit code, or 128 + signal */
	struct counters counters;
	bool balanced; /* the counters' sums are right */
};

/*
 * Runs until the command or all given processes have ended, or SIGINT or SIGTERM. Also after an
 * error in the middle the result is filled as far as it goes, and what was captured is kept.
 */
int app_run(const struct app_options *opt, struct app_result *ret, struct error *ret_error);

/* Neither processes nor a command are named. */
bool app_is_whole_machine(const struct app_options *opt);

/* Bit number of a kernel feature for app_options.forbidden, or -EINVAL. */
int app_feature_bit(struct str name);
/* Nothing was lost, and nothing happened after which that could not be said. */
bool app_is_lossless(const struct app_result *result);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. One table holds every option: the parser, --help, the manual page and the shell
 * completions are made from it.
 */
#ifndef PLAINTAP_CLI_OPTIONS_H
#define PLAINTAP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "filter_options.h"

enum exit_status { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_LOST = 3 };

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum { OPTION_PID_MAX = 1024, OPTION_OUTPUT_MAX = 16 };

struct options {
	pid_t pids[OPTION_PID_MAX];
	size_t pid_cnt;
	const char *outputs[OPTION_OUTPUT_MAX];
	size_t output_cnt;
	struct filter_options filters;
	char **command; /* what follows "--"; NULL: nothing */
	enum color_when color;
	uint64_t body_limit;
	uint64_t ring_size; /* a power of two */
	uint64_t queue_size;
	unsigned forbidden; /* kernel features, bits by app_feature_bit() */
	int ready_fd;
	const char *ctl; /* where to listen for plaintap ctl; NULL: the usual place */
	unsigned verbosity;
	bool plain_placement;
	bool no_children, no_pause, slow, force, strict, quiet, help, version;
};

struct option_row {
	char letter;	  /* 0: none */
	const char *name; /* without "--" */
	const char *arg;  /* "PID"; NULL: takes none */
	const char *help; /* lines for people; NULL: hidden, for tests */
	/* Takes the value (NULL for options without one) into `o`. */
	int (*take)(struct options *o, const char *value, struct error *ret_error);
};

extern const struct option_row option_rows[];
extern const size_t option_row_cnt;

/* -EINVAL with a sentence that names the bad word. `argv` is borrowed by `ret`. */
int options_parse(int argc, char **argv, struct options *ret, struct error *ret_error);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/app.h"
#include "base/log.h"
#include "cmd_ctl.h"
#include "cmd_doctor.h"
#include "cmd_ls.h"
#include "help.h"
#include "options.h"
#include "subcommands.h"
#include "summary.h"

static void say(void *user, enum log_level level, const char *text)
{
	const struct options *o = user;

	if (level > o->verbosity)
		return;
	fprintf(stderr, "plaintap: %s\n", text);
}

static bool want_color(const struct options *o)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	if (no_color && no_color[0])
		return false;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

static int exit_status(const struct options *o, const struct app_result *result)
{
	if (o->strict && !app_is_lossless(result))
		return EXIT_LOST;
	return result->has_command_status ? result->command_status : EXIT_SUCCESS;
}

static int run(const struct options *o)
{
	struct app_options app = {
		.pids = o->pids,
		.pid_cnt = o->pid_cnt,
		.command = o->command,
		.filters = o->filters.words,
		.filter_cnt = o->filters.cnt,
		.outputs = o->outputs,
		.output_cnt = o->output_cnt,
		.body_limit = o->body_limit,
		.ring_size = (uint32_t)o->ring_size,
		.queue_size = o->queue_size,
		.forbidden = o->forbidden,
		.plain_placement = o->plain_placement,
		.ready_fd = o->ready_fd,
		.ctl = o->ctl,
		.no_children = o->no_children,
		.no_pause = o->no_pause,
		.slow = o->slow,
		.force = o->force,
		.color = want_color(o),
		.terminal_width = terminal_width(),
	};
	struct app_result result;
	struct error err = { 0 };
	int r = app_run(&app, &result, &err);

	if (r < 0)
		fprintf(stderr, "plaintap: %s\n", err.text[0] ? err.text : strerror(-r));
	if (!o->quiet && (!r || result.counters.stream.connections))
		summary_print(stderr, &result);
	return r < 0 ? EXIT_ERROR : exit_status(o, &result);
}

static int run_subcommand(enum subcommand which, int argc, char **argv)
{
	static int (*const runs[SUBCOMMAND_CNT])(int argc, char **argv) = {
		[SUBCOMMAND_LS] = cmd_ls,
		[SUBCOMMAND_DOCTOR] = cmd_doctor,
		[SUBCOMMAND_CTL] = cmd_ctl,
	};

	return runs[which](argc, argv);
}

int main(int argc, char **argv)
{
	static struct options o;
	struct error err = { 0 };
	int subcommand = argc > 1 ? subcommand_from_name(argv[1]) : -1;

	if (subcommand >= 0)
		return run_subcommand((enum subcommand)subcommand, argc - 1, argv + 1);
	if (options_parse(argc, argv, &o, &err) < 0) {
		fprintf(stderr, "plaintap: %s\nTry: plaintap --help\n", err.text);
		return EXIT_USAGE;
	}
	log_set(say, &o);
	if (o.help) {
		help_print(stdout);
		return EXIT_SUCCESS;
	}
	if (o.version) {
		puts("plaintap " PLAINTAP_VERSION);
		return EXIT_SUCCESS;
	}
	return run(&o);
}

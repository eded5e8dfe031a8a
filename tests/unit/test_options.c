// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "attach/features.h"
#include "cli/options.h"
#include "tap.h"

static struct options opt;
static struct error err;

static int parse(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(&err, 0, sizeof(err));
	return options_parse(argc, (char **)argv, &opt, &err);
}

#define PARSE(...) parse((const char *[]){ "plaintap", ##__VA_ARGS__, NULL })

/* Refused, with a sentence in which `word` is. */
#define REFUSED(word, ...)                                                                \
	do {                                                                              \
		INT_EQ(PARSE(__VA_ARGS__), -EINVAL);                                      \
		OK_MSG(strstr(err.text, word) != NULL, "'%s' is in: %s", word, err.text); \
	} while (0)

static void test_nothing(void)
{
	INT_EQ(PARSE(), 0);
	INT_EQ(opt.pid_cnt, 0);
	INT_EQ(opt.output_cnt, 0);
	OK(!opt.command);
	INT_EQ(opt.body_limit, 1 << 20);
	INT_EQ(opt.ring_size, 8 << 20);
	INT_EQ(opt.ready_fd, -1);
	INT_EQ(opt.color, COLOR_AUTO);
	INT_EQ(opt.verbosity, 0);
	OK(!opt.force && !opt.strict && !opt.quiet && !opt.help && !opt.version);
}

static void test_pids(void)
{
	INT_EQ(PARSE("-p", "1", "-p2", "--pid", "3", "--pid=2147483647"), 0);
	INT_EQ(opt.pid_cnt, 4);
	INT_EQ(opt.pids[0], 1);
	INT_EQ(opt.pids[1], 2);
	INT_EQ(opt.pids[2], 3);
	INT_EQ(opt.pids[3], 2147483647);
	REFUSED("-p 0:", "-p", "0");
	REFUSED("-p -1:", "-p", "-1");
	REFUSED("-p abc:", "--pid=abc");
	REFUSED("-p 99999999999:", "-p99999999999");
	REFUSED("-p 2147483648:", "-p", "2147483648");
	REFUSED("not a process id", "-p", "");
	REFUSED("-p 1x:", "-p1x");
}

static void test_too_many_pids(void)
{
	const char *argv[OPTION_PID_MAX + 3] = { "plaintap" };

	for (int i = 1; i <= OPTION_PID_MAX; i++)
		argv[i] = "-p1";
	INT_EQ(parse(argv), 0);
	INT_EQ(opt.pid_cnt, OPTION_PID_MAX);
	argv[OPTION_PID_MAX + 1] = "-p77";
	INT_EQ(parse(argv), -EINVAL);
	OK(strstr(err.text, "-p 77: more than") != NULL);
}

static void check_filter(size_t i, enum filter_kind kind, bool exclude, const char *text)
{
	const struct filter_word *w = &opt.filters.words[i];

	OK_MSG(i < opt.filters.cnt && w->kind == kind && w->exclude == exclude,
	       "filter %zu is --%s", i, filter_kind_name(kind));
	C_STR_EQ(w->text, text);
}

static void test_filters(void)
{
	INT_EQ(PARSE("-c", "curl", "--comm=wget", "-u0", "--exe", "/bin/x", "--cgroup", "a/b",
		     "--container", "12", "--netns", "blue"),
	       0);
	INT_EQ(opt.filters.cnt, 7);
	check_filter(0, FILTER_COMM, false, "curl");
	check_filter(1, FILTER_COMM, false, "wget");
	check_filter(2, FILTER_UID, false, "0");
	check_filter(3, FILTER_EXE, false, "/bin/x");
	check_filter(4, FILTER_CGROUP, false, "a/b");
	check_filter(5, FILTER_CONTAINER, false, "12");
	check_filter(6, FILTER_NETNS, false, "blue");
	INT_EQ(PARSE("--exclude-pid", "7", "--exclude-comm", "curl", "--exclude-uid", "u",
		     "--exclude-exe", "e", "--exclude-cgroup", "g", "--exclude-container", "c",
		     "--exclude-netns", "n"),
	       0);
	INT_EQ(opt.filters.cnt, 7);
	check_filter(0, FILTER_PID, true, "7");
	check_filter(1, FILTER_COMM, true, "curl");
	check_filter(2, FILTER_UID, true, "u");
	check_filter(3, FILTER_EXE, true, "e");
	check_filter(4, FILTER_CGROUP, true, "g");
	check_filter(5, FILTER_CONTAINER, true, "c");
	check_filter(6, FILTER_NETNS, true, "n");
	INT_EQ(PARSE("--port", "65535", "--host", "10.0.0.0/8", "--exclude-port", "1",
		     "--exclude-host", "::1"),
	       0);
	INT_EQ(opt.filters.cnt, 4);
	check_filter(0, FILTER_PORT, false, "65535");
	check_filter(1, FILTER_HOST, false, "10.0.0.0/8");
	check_filter(2, FILTER_PORT, true, "1");
	check_filter(3, FILTER_HOST, true, "::1");
	REFUSED("--port 0:", "--port", "0");
	REFUSED("--port 65536:", "--port", "65536");
	REFUSED("--exclude-port https:", "--exclude-port", "https");
	REFUSED("--host localhost:", "--host", "localhost");
	REFUSED("--exclude-host ::/129:", "--exclude-host", "::/129");
	REFUSED("--exclude-pid x:", "--exclude-pid", "x");
	REFUSED("--exclude-pid 0:", "--exclude-pid", "0");
	REFUSED("--comm '':", "--comm", "");
	REFUSED("did you mean --exclude-comm", "--exclude-com", "x");
}

static void test_too_many_filters(void)
{
	const char *argv[FILTER_OPTION_MAX + 3] = { "plaintap" };

	for (int i = 1; i <= FILTER_OPTION_MAX; i++)
		argv[i] = "-cx";
	INT_EQ(parse(argv), 0);
	argv[FILTER_OPTION_MAX + 1] = "-u7";
	INT_EQ(parse(argv), -EINVAL);
	OK(strstr(err.text, "--uid 7: more than") != NULL);
}

static void test_outputs(void)
{
	const char *argv[OPTION_OUTPUT_MAX + 3] = { "plaintap" };

	INT_EQ(PARSE("-o", "a.jsonl", "-odir/", "--output", "-", "--output=x=y"), 0);
	INT_EQ(opt.output_cnt, 4);
	C_STR_EQ(opt.outputs[0], "a.jsonl");
	C_STR_EQ(opt.outputs[1], "dir/");
	C_STR_EQ(opt.outputs[2], "-");
	C_STR_EQ(opt.outputs[3], "x=y");
	for (int i = 1; i <= OPTION_OUTPUT_MAX + 1; i++)
		argv[i] = "-oz";
	INT_EQ(parse(argv), -EINVAL);
	OK(strstr(err.text, "-o z: more than") != NULL);
}

static void test_sizes(void)
{
	INT_EQ(PARSE("--body-limit", "64K", "--buffer=1M"), 0);
	INT_EQ(opt.body_limit, 65536);
	INT_EQ(opt.ring_size, 1 << 20);
	INT_EQ(PARSE("--body-limit=0", "--buffer", "65536"), 0);
	INT_EQ(opt.body_limit, 0);
	INT_EQ(opt.ring_size, 65536);
	INT_EQ(PARSE("--buffer=1G"), 0);
	INT_EQ(opt.ring_size, 1 << 30);
	INT_EQ(PARSE("--queue", "3M"), 0);
	INT_EQ(opt.queue_size, 3 << 20);
	INT_EQ(PARSE("--queue=0"), 0);
	INT_EQ(opt.queue_size, 0);
	REFUSED("--queue 2G: must be 1G at most", "--queue", "2G");
	REFUSED("--queue x: not a size", "--queue=x");
	REFUSED("--buffer 100000: must be a power of two", "--buffer", "100000");
	REFUSED("--buffer 32K: must be", "--buffer=32K");
	REFUSED("--buffer 2G: must be", "--buffer=2G");
	REFUSED("--buffer 0: must be", "--buffer=0");
	REFUSED("--buffer big: not a size", "--buffer=big");
	REFUSED("--body-limit -1: not a size", "--body-limit", "-1");
}

static void test_flags(void)
{
	INT_EQ(PARSE("--force", "--strict", "--quiet", "--verbose", "--help", "--version"), 0);
	OK(opt.force && opt.strict && opt.quiet && opt.help && opt.version);
	INT_EQ(opt.verbosity, 1);
	INT_EQ(PARSE("-vv", "-v"), 0);
	INT_EQ(opt.verbosity, 3);
	INT_EQ(PARSE("-qvhVp7"), 0);
	OK(opt.quiet && opt.help && opt.version && opt.verbosity == 1);
	INT_EQ(opt.pids[0], 7);
	REFUSED("--force takes no value", "--force=yes");
}

static void test_color(void)
{
	INT_EQ(PARSE("--color=always"), 0);
	INT_EQ(opt.color, COLOR_ALWAYS);
	INT_EQ(PARSE("--color", "never"), 0);
	INT_EQ(opt.color, COLOR_NEVER);
	INT_EQ(PARSE("--color=never", "--color=auto"), 0);
	INT_EQ(opt.color, COLOR_AUTO);
	REFUSED("--color green: must be", "--color=green");
}

static void test_hidden_ones(void)
{
	INT_EQ(PARSE("--ready-fd=0", "--without=session,loop"), 0);
	INT_EQ(opt.ready_fd, 0);
	INT_EQ(opt.forbidden, 1 << FEATURE_SESSION | 1 << FEATURE_LOOP);
	INT_EQ(PARSE("--without", "multi", "--without", "cookie,dynptr"), 0);
	INT_EQ(opt.forbidden, 1 << FEATURE_MULTI | 1 << FEATURE_COOKIE | 1 << FEATURE_USER_DYNPTR);
	REFUSED("'magic'", "--without=loop,magic");
	REFUSED("--ready-fd -1:", "--ready-fd", "-1");
	REFUSED("--ready-fd 4294967296:", "--ready-fd", "4294967296");
}

static void test_command(void)
{
	INT_EQ(PARSE("-v", "--", "curl", "-p", "x", "--", "y"), 0);
	C_STR_EQ(opt.command[0], "curl");
	C_STR_EQ(opt.command[1], "-p");
	C_STR_EQ(opt.command[3], "--");
	C_STR_EQ(opt.command[4], "y");
	OK(!opt.command[5]);
	INT_EQ(opt.pid_cnt, 0);
	REFUSED("no program after --", "--");
	REFUSED("-p and a program", "-p1", "--", "curl");
	REFUSED("plaintap -- curl", "curl");
	REFUSED("'-' is no option", "-");
}

static void test_missing_values(void)
{
	REFUSED("--pid PID", "-p");
	REFUSED("--pid PID", "--pid");
	REFUSED("--output WHERE", "-vo");
	REFUSED("--body-limit SIZE", "--body-limit");
	REFUSED("--color WHEN", "--color");
	REFUSED("--buffer SIZE", "--buffer");
	REFUSED("--ready-fd N", "--ready-fd");
	REFUSED("--without FEATURES", "--without");
}

static void test_unknown_ones(void)
{
	REFUSED("no option --zebra", "--zebra");
	OK(!strstr(err.text, "did you mean"));
	REFUSED("--outptu; did you mean --output?", "--outptu");
	REFUSED("--verbos; did you mean --verbose?", "--verbos=3");
	REFUSED("-x (in '-vxq')", "-vxq");
	/* Those for tests are not recommended to anyone. */
	REFUSED("no option --withou", "--withou");
	OK(!strstr(err.text, "--without"));
	REFUSED("no option --", "--=");
}

/* What --help, the manual page and the completions are made from. */
static void test_the_table(void)
{
	for (size_t i = 0; i < option_row_cnt; i++) {
		const struct option_row *a = &option_rows[i];

		OK(a->name && a->take && (!a->help || a->help[0]));
		for (size_t k = 0; k < i; k++)
			if (!strcmp(a->name, option_rows[k].name) ||
			    (a->letter && a->letter == option_rows[k].letter))
				OK_MSG(false, "--%s is there twice", a->name);
	}
}

int main(void)
{
	RUN(test_nothing);
	RUN(test_pids);
	RUN(test_too_many_pids);
	RUN(test_filters);
	RUN(test_too_many_filters);
	RUN(test_outputs);
	RUN(test_sizes);
	RUN(test_flags);
	RUN(test_color);
	RUN(test_hidden_ones);
	RUN(test_command);
	RUN(test_missing_values);
	RUN(test_unknown_ones);
	RUN(test_the_table);
	return tap_done();
}

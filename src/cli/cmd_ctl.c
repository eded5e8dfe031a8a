// SPDX-License-Identifier: BSD-2-Clause
#include "cmd_ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl_client.h"
#include "app/ctl_socket.h"
#include "base/str.h"
#include "options.h"

enum { FOUND_MAX = 64, ORDER_WORD_MAX = 2 };

struct ctl_words {
	const char *pid, *path; /* --pid, --ctl */
	bool json;
	const char *order[ORDER_WORD_MAX];
	int order_cnt;
};

static int usage_error(const char *text, const char *word)
{
	fprintf(stderr, "plaintap: ctl: %s%s\nTry: plaintap --help\n", text, word);
	return EXIT_USAGE;
}

/* The value of an option at argv[*i], as "--name VALUE" or "--name=VALUE"; NULL: another word. */
static const char *option_value(int argc, char **argv, int *i, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len])
		return NULL;
	return ++*i < argc ? argv[*i] : "";
}

static int parse(int argc, char **argv, struct ctl_words *ret)
{
	const char *value;

	for (int i = 1; i < argc; i++) {
		if ((value = option_value(argc, argv, &i, "--pid")))
			ret->pid = value;
		else if ((value = option_value(argc, argv, &i, "--ctl")))
			ret->path = value;
		else if (!strcmp(argv[i], "--json"))
			ret->json = true;
		else if (argv[i][0] == '-')
			return usage_error("there is no option ", argv[i]);
		else if (ret->order_cnt == ORDER_WORD_MAX)
			return usage_error("one order at a time, not also ", argv[i]);
		else
			ret->order[ret->order_cnt++] = argv[i];
	}
	if (ret->pid && ret->path)
		return usage_error("--pid and --ctl: use one of them", "");
	if (!ret->order_cnt)
		return usage_error("say what to do: status, add-pid PID or remove-pid PID", "");
	return 0;
}

static int check_order(const struct ctl_words *w)
{
	const char *verb = w->order[0];
	uint64_t pid;

	if (!strcmp(verb, "status"))
		return w->order_cnt == 1 ? 0 : usage_error("status takes no ", w->order[1]);
	if (strcmp(verb, "add-pid") != 0 && strcmp(verb, "remove-pid") != 0)
		return usage_error("it is status, add-pid or remove-pid, not ", verb);
	if (w->order_cnt == 1)
		return usage_error("which process? Write its id behind ", verb);
	if (str_to_u64(str_from(w->order[1]), 10, &pid) < 0 || !pid || pid > INT_MAX)
		return usage_error("not a process id: ", w->order[1]);
	return w->json ? usage_error("--json goes with status, not with ", verb) : 0;
}

static int tell_choice(const pid_t *pids, size_t cnt)
{
	fputs("plaintap: ctl: several run; say with --pid which one:", stderr);
	for (size_t i = 0; i < cnt; i++)
		fprintf(stderr, " %d", (int)pids[i]);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

/* Where the plaintap that is meant listens. */
static int find_path(const struct ctl_words *w, char *to, size_t max)
{
	pid_t pids[FOUND_MAX];
	uint64_t pid;
	size_t cnt;

	if (w->path) {
		snprintf(to, max, "%s", w->path);
		return 0;
	}
	if (w->pid) {
		if (str_to_u64(str_from(w->pid), 10, &pid) < 0 || pid > INT_MAX)
			return usage_error("--pid: not a process id: ", w->pid);
		snprintf(to, max, CTL_FOLDER "/%d.sock", (int)pid);
		return 0;
	}
	cnt = ctl_find(CTL_FOLDER, pids, FOUND_MAX);
	if (cnt > 1)
		return tell_choice(pids, cnt);
	if (!cnt) {
		fputs("plaintap: ctl: no plaintap listens in " CTL_FOLDER
		      " (as far as you may look; try sudo)\n",
		      stderr);
		return EXIT_ERROR;
	}
	snprintf(to, max, CTL_FOLDER "/%d.sock", (int)pids[0]);
	return 0;
}

static int ask(const struct ctl_words *w, const char *path)
{
	struct error err = { 0 };
	struct buf answer;
	char order[64];
	int r;

	snprintf(order, sizeof(order), "%s%s%s", w->order[0], w->json ? " json" : "",
		 w->order_cnt > 1 ? " " : "");
	if (w->order_cnt > 1)
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s", w->order[1]);
	buf_init(&answer, CTL_ANSWER_MAX);
	r = ctl_ask(path, order, &answer, &err);
	if (r < 0)
		fprintf(stderr, "plaintap: ctl: %s\n", err.text);
	else
		fwrite(answer.data, 1, answer.len, stdout);
	buf_done(&answer);
	return r < 0 || fflush(stdout) == EOF ? EXIT_ERROR : EXIT_SUCCESS;
}

int cmd_ctl(int argc, char **argv)
{
	struct ctl_words words = { 0 };
	char path[PATH_MAX];
	int status = parse(argc, argv, &words);

	if (!status)
		status = check_order(&words);
	if (!status)
		status = find_path(&words, path, sizeof(path));
	return status ? status : ask(&words, path);
}

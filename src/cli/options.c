// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "app/app.h"
#include "base/str.h"

enum { DEFAULT_BODY_LIMIT = 1 << 20, DEFAULT_RING_SIZE = 8 << 20, DEFAULT_QUEUE = 32 << 20 };
enum { RING_SIZE_MIN = 1 << 16, RING_SIZE_MAX = 1 << 30, QUEUE_MAX = 1 << 30 };

static int take_pid(struct options *o, const char *value, struct error *ret_error)
{
	uint64_t pid;

	if (str_to_u64(str_from(value), 10, &pid) < 0 || !pid || pid > INT_MAX)
		return error_set(ret_error, -EINVAL, "-p %s: not a process id", value);
	if (o->pid_cnt == OPTION_PID_MAX)
		return error_set(ret_error, -EINVAL, "-p %s: more than %d processes", value,
				 OPTION_PID_MAX);
	o->pids[o->pid_cnt++] = (pid_t)pid;
	return 0;
}

static int take_output(struct options *o, const char *value, struct error *ret_error)
{
	if (o->output_cnt == OPTION_OUTPUT_MAX)
		return error_set(ret_error, -EINVAL, "-o %s: more than %d outputs", value,
				 OPTION_OUTPUT_MAX);
	o->outputs[o->output_cnt++] = value;
	return 0;
}

static int take_color(struct options *o, const char *value, struct error *ret_error)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(value, names[i])) {
			o->color = (enum color_when)i;
			return 0;
		}
	return error_set(ret_error, -EINVAL, "--color %s: must be auto, always or never", value);
}

static int take_size(const char *name, const char *value, uint64_t *to, struct error *ret_error)
{
	if (str_to_size(str_from(value), to) < 0)
		return error_set(ret_error, -EINVAL,
				 "--%s %s: not a size; write a number of bytes, or 64K, 1M, 2G",
				 name, value);
	return 0;
}

static int take_body_limit(struct options *o, const char *value, struct error *ret_error)
{
	return take_size("body-limit", value, &o->body_limit, ret_error);
}

static int take_buffer(struct options *o, const char *value, struct error *ret_error)
{
	int r = take_size("buffer", value, &o->ring_size, ret_error);

	if (r < 0)
		return r;
	if (o->ring_size < RING_SIZE_MIN || o->ring_size > RING_SIZE_MAX ||
	    (o->ring_size & (o->ring_size - 1)))
		return error_set(ret_error, -EINVAL,
				 "--buffer %s: must be a power of two from 64K to 1G", value);
	return 0;
}

static int take_ctl(struct options *o, const char *value, struct error *ret_error)
{
	if (!value[0])
		return error_set(ret_error, -EINVAL, "--ctl '': there must be a path, or off");
	o->ctl = value;
	return 0;
}

static int take_queue(struct options *o, const char *value, struct error *ret_error)
{
	int r = take_size("queue", value, &o->queue_size, ret_error);

	if (!r && o->queue_size > QUEUE_MAX)
		return error_set(ret_error, -EINVAL, "--queue %s: must be 1G at most", value);
	return r;
}

static int take_ready_fd(struct options *o, const char *value, struct error *ret_error)
{
	uint64_t fd;

	if (str_to_u64(str_from(value), 10, &fd) < 0 || fd > INT_MAX)
		return error_set(ret_error, -EINVAL, "--ready-fd %s: not a descriptor", value);
	o->ready_fd = (int)fd;
	return 0;
}

static int take_without(struct options *o, const char *value, struct error *ret_error)
{
	struct str rest = str_from(value), part;

	while (str_next_part(&rest, ',', &part)) {
		int f = app_feature_bit(part);

		if (f < 0)
			return error_set(ret_error, -EINVAL,
					 "--without %s: there is no kernel feature '%.*s'", value,
					 STR_FMT(part));
		o->forbidden |= 1u << f;
	}
	return 0;
}

static int take_placement(struct options *o, const char *value, struct error *ret_error)
{
	o->plain_placement = !strcmp(value, "plain");
	if (!o->plain_placement && strcmp(value, "best") != 0)
		return error_set(ret_error, -EINVAL, "--placement %s: must be best or plain",
				 value);
	return 0;
}

static int take_force(struct options *o, const char *value, struct error *ret_error)
{
	o->force = true;
	return 0;
}

static int take_strict(struct options *o, const char *value, struct error *ret_error)
{
	o->strict = true;
	return 0;
}

static int take_no_children(struct options *o, const char *value, struct error *ret_error)
{
	o->no_children = true;
	return 0;
}

static int take_no_pause(struct options *o, const char *value, struct error *ret_error)
{
	o->no_pause = true;
	return 0;
}

static int take_on_pressure(struct options *o, const char *value, struct error *ret_error)
{
	o->slow = !strcmp(value, "slow");
	if (o->slow || !strcmp(value, "drop"))
		return 0;
	return error_set(ret_error, -EINVAL, "--on-pressure %s: must be drop or slow", value);
}

static int take_verbose(struct options *o, const char *value, struct error *ret_error)
{
	o->verbosity++;
	return 0;
}

static int take_quiet(struct options *o, const char *value, struct error *ret_error)
{
	o->quiet = true;
	return 0;
}

static int take_help(struct options *o, const char *value, struct error *ret_error)
{
	o->help = true;
	return 0;
}

static int take_version(struct options *o, const char *value, struct error *ret_error)
{
	o->version = true;
	return 0;
}

const struct option_row option_rows[] = {
	{ 'p', "pid", "PID",
	  "Watch the process PID, its children, and those that they start from now on. May be given "
	  "several times.",
	  take_pid },
	{ 0, "no-children", NULL,
	  "Watch only what is given by -p or after --, not the processes that it starts. If that is one "
	  "process, no other pays anything for it.",
	  take_no_children },
	{ 'c', "comm", "NAME",
	  "Only processes of that name, as ps -o comm shows it; the kernel keeps 15 bytes of it. "
	  "Filters of processes are asked in the kernel, when a process executes a program or else first "
	  "calls a TLS library; a name or user that changes later is not noticed. "
	  "Of one kind any will do, different kinds must all agree. Together with -p or a program after "
	  "--, only what is in both is watched.",
	  take_comm },
	{ 'u', "uid", "USER", "Only processes of that user: a name or a number.", take_uid },
	{ 0, "exe", "PATH",
	  "Only processes that run the file PATH. For a script that is its interpreter; for a program in "
	  "a container write /proc/PID/root/PATH.",
	  take_exe },
	{ 0, "cgroup", "PATH",
	  "Only processes in that control group and below it. A folder such as "
	  "/sys/fs/cgroup/memory/x names one group; a path from the root, such as "
	  "system.slice/nginx.service, those of that name in all mounted hierarchies (versions 1 and 2).",
	  take_cgroup },
	{ 0, "container", "NAME",
	  "Only processes in the container of this name, or whose id begins so. In a pod the name may also "
	  "be POD/NAME or NAMESPACE/POD/NAME. The system's containers go before those that users run "
	  "themselves. Counts as the same kind as --cgroup.",
	  take_container },
	{ 0, "netns", "WHICH",
	  "Only processes in that network namespace: a name of 'ip netns', a path, a pid, or the number "
	  "of its inode.",
	  take_netns },
	{ 0, "port", "N",
	  "Only connections with that port at either end. Judged once, in the kernel, when its addresses are "
	  "known; one that never shows them is kept out by --port and --host, and let in by --exclude-port "
	  "and --exclude-host. What is kept out is counted as filtered, not as lost.",
	  take_port },
	{ 0, "host", "ADDRESS[/BITS]",
	  "Only connections with that address, or one in that network, at either end. IPv4 or IPv6; names "
	  "are not looked up.",
	  take_host },
	{ 0, "exclude-pid", "PID",
	  "Not the process PID, its children, and those that they start from now on.",
	  take_exclude_pid },
	{ 0, "exclude-comm", "NAME", "Not processes of that name.", take_exclude_comm },
	{ 0, "exclude-uid", "USER", "Not processes of that user.", take_exclude_uid },
	{ 0, "exclude-exe", "PATH", "Not processes that run the file PATH.", take_exclude_exe },
	{ 0, "exclude-cgroup", "PATH", "Not processes in that control group and below it.",
	  take_exclude_cgroup },
	{ 0, "exclude-container", "NAME",
	  "Not processes in the container of this name, or whose id begins so.",
	  take_exclude_container },
	{ 0, "exclude-netns", "WHICH", "Not processes in that network namespace.",
	  take_exclude_netns },
	{ 0, "exclude-port", "N", "Not connections with that port at either end.",
	  take_exclude_port },
	{ 0, "exclude-host", "ADDRESS[/BITS]",
	  "Not connections with that address, or one in that network, at either end.",
	  take_exclude_host },
	{ 'o', "output", "WHERE",
	  "Write to WHERE and leave the terminal to the program. FILE.jsonl: one JSON object a line. "
	  "DIR/ (with the slash): the plaintext of every connection, byte by byte. -: JSON lines to "
	  "standard output. May be given several times.",
	  take_output },
	{ 0, "body-limit", "SIZE",
	  "Keep at most SIZE of each body (default 1M). Its true size is always told, and DIR/ always "
	  "gets all of it.",
	  take_body_limit },
	{ 0, "color", "WHEN",
	  "Colour on the terminal: auto (default; heeds NO_COLOR), always or never.", take_color },
	{ 0, "buffer", "SIZE",
	  "Size of the buffer between the kernel and plaintap: a power of two, default 8M. A larger "
	  "one bridges longer stalls.",
	  take_buffer },
	{ 0, "queue", "SIZE",
	  "How much may wait to be written, in plaintap's own memory: default 32M. It bridges the time "
	  "that a slow disk or reader takes, so that the buffer does not fill.",
	  take_queue },
	{ 0, "on-pressure", "WHAT",
	  "When plaintap is slower than the program: drop (default) loses bytes and counts them; slow "
	  "lets the program wait for a moment. Only programs given by -p or after -- ever wait, and "
	  "they go on by themselves when plaintap ends, however it ends, or was stopped for ten seconds. "
	  "Before Linux 6.0 they are stopped by a signal.",
	  take_on_pressure },
	{ 0, "no-pause", NULL,
	  "Never stop a program, not even for the moment that it takes to read a single call longer than "
	  "a quarter of the buffer, or to probe a library that it has just loaded or a program that it "
	  "is about to execute; lose bytes of it instead.",
	  take_no_pause },
	{ 0, "ctl", "PATH",
	  "Listen at PATH for 'plaintap ctl', instead of /run/plaintap/<pid>.sock; off: nowhere. Only root "
	  "and the user that plaintap runs as may connect.",
	  take_ctl },
	{ 0, "force", NULL, "Overwrite files that exist.", take_force },
	{ 0, "strict", NULL,
	  "End with status 3 if any byte was lost or could not be accounted for.", take_strict },
	{ 'q', "quiet", NULL, "No line of counts at the end. Warnings and errors still show.",
	  take_quiet },
	{ 'v', "verbose", NULL, "Say what is found and probed; -vv says more.", take_verbose },
	{ 'h', "help", NULL, "Show this help.", take_help },
	{ 'V', "version", NULL, "Show the version.", take_version },
	{ 0, "ready-fd", "N", NULL, take_ready_fd },
	{ 0, "without", "FEATURES", NULL, take_without },
	{ 0, "placement", "HOW", NULL, take_placement },
};

const size_t option_row_cnt = sizeof(option_rows) / sizeof(option_rows[0]);

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < option_row_cnt; i++)
		if (option_rows[i].letter && option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

static const struct option_row *find_name(struct str name)
{
	for (size_t i = 0; i < option_row_cnt; i++)
		if (str_eq(name, str_from(option_rows[i].name)))
			return &option_rows[i];
	return NULL;
}

static size_t common_prefix(struct str a, struct str b)
{
	size_t n = 0;

	while (n < a.len && n < b.len && a.p[n] == b.p[n])
		n++;
	return n;
}

static int unknown_name(struct str name, struct error *ret_error)
{
	const char *nearest = NULL;
	size_t best = 2;

	for (size_t i = 0; i < option_row_cnt; i++) {
		size_t n = common_prefix(name, str_from(option_rows[i].name));

		if (option_rows[i].help && n > best) {
			best = n;
			nearest = option_rows[i].name;
		}
	}
	if (nearest)
		return error_set(ret_error, -EINVAL,
				 "there is no option --%.*s; did you mean --%s?", STR_FMT(name),
				 nearest);
	return error_set(ret_error, -EINVAL, "there is no option --%.*s", STR_FMT(name));
}

/* Where the parser is: the next word of argv. */
struct words {
	int argc, next;
	char **argv;
};

static const char *next_word(struct words *w)
{
	return w->next < w->argc ? w->argv[w->next++] : NULL;
}

static int missing_value(const struct option_row *row, struct error *ret_error)
{
	return error_set(ret_error, -EINVAL, "option --%s needs a value: --%s %s", row->name,
			 row->name, row->arg);
}

static int parse_long(struct words *w, const char *word, struct options *o, struct error *ret_error)
{
	struct str name = str_from(word + 2);
	const struct option_row *row;
	const char *value = strchr(word, '=');

	if (value) {
		name.len = (size_t)(value - name.p);
		value++;
	}
	row = find_name(name);
	if (!row)
		return unknown_name(name, ret_error);
	if (!row->arg && value)
		return error_set(ret_error, -EINVAL, "option --%s takes no value", row->name);
	if (row->arg && !value)
		value = next_word(w);
	if (row->arg && !value)
		return missing_value(row, ret_error);
	return row->take(o, value, ret_error);
}

/* "-v", "-vv", "-p1", "-p 1". */
static int parse_letters(struct words *w, const char *word, struct options *o,
			 struct error *ret_error)
{
	for (const char *at = word + 1; *at; at++) {
		const struct option_row *row = find_letter(*at);
		const char *value = NULL;
		int r;

		if (!row)
			return error_set(ret_error, -EINVAL, "there is no option -%c (in '%s')",
					 *at, word);
		if (row->arg) {
			value = at[1] ? at + 1 : next_word(w);
			if (!value)
				return missing_value(row, ret_error);
		}
		r = row->take(o, value, ret_error);
		if (r < 0 || row->arg)
			return r;
	}
	return 0;
}

static int parse_word(struct words *w, const char *word, struct options *o, struct error *ret_error)
{
	if (word[0] == '-' && word[1] == '-')
		return parse_long(w, word, o, ret_error);
	if (word[0] == '-' && word[1])
		return parse_letters(w, word, o, ret_error);
	return error_set(ret_error, -EINVAL,
			 "'%s' is no option; to run a program, write: plaintap -- %s …", word,
			 word);
}

static int check(const struct options *o, struct error *ret_error)
{
	if (o->command && !o->command[0])
		return error_set(ret_error, -EINVAL, "there is no program after --");
	if (o->slow && o->no_pause)
		return error_set(ret_error, -EINVAL,
				 "--on-pressure slow and --no-pause contradict each other");
	if (o->no_children && !o->command && !o->pid_cnt)
		return error_set(
			ret_error, -EINVAL,
			"--no-children: of what? Give a process with -p, or a program after --");
	if (o->command && o->pid_cnt)
		return error_set(ret_error, -EINVAL,
				 "-p and a program after -- cannot go together; use one of them");
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct error *ret_error)
{
	struct words w = { .argc = argc, .next = 1, .argv = argv };
	const char *word;

	*ret = (struct options){
		.body_limit = DEFAULT_BODY_LIMIT,
		.ring_size = DEFAULT_RING_SIZE,
		.queue_size = DEFAULT_QUEUE,
		.ready_fd = -1,
	};
	while ((word = next_word(&w))) {
		int r;

		if (!strcmp(word, "--")) {
			ret->command = argv + w.next;
			break;
		}
		r = parse_word(&w, word, ret, ret_error);
		if (r < 0)
			return r;
	}
	return check(ret, ret_error);
}

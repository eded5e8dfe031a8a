// SPDX-License-Identifier: BSD-2-Clause
#include "ls_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/list_stacks.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "options.h"
#include "print_json.h"
#include "print_name.h"

enum { LINE_MAX_BYTES = 1 << 18 };

struct printing {
	bool json;
	size_t process_cnt; /* with TLS */
	size_t closed_cnt;  /* that could not be looked into, or not wholly */
};

static void print_text(const struct listed_process *p)
{
	if (!p->stack_cnt)
		return;
	printf("%7d  ", (int)p->pid);
	print_name(p->comm);
	printf("  ");
	print_name(p->exe);
	putchar('\n');
	for (size_t i = 0; i < p->stack_cnt; i++) {
		const struct stack_words *w = &p->stacks[i];

		printf("         %-16s ", w->name);
		print_name(w->path);
		printf("\n           %s: ", w->is_probed ? "can be probed" : "cannot be probed");
		print_name(w->how);
		if (w->advice[0])
			printf("; %s", w->advice);
		putchar('\n');
	}
}

static void json_or_null(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_c_str(j, text && text[0] ? text : NULL);
}

static void json_stack(struct json *j, const struct stack_words *w, const char *build_id)
{
	json_object_begin(j);
	json_or_null(j, "project", w->project);
	json_or_null(j, "version", w->version);
	json_or_null(j, "path", w->path);
	json_or_null(j, "build_id", build_id);
	json_key(j, "can_be_probed");
	json_bool(j, w->is_probed);
	json_or_null(j, "how", w->how);
	json_or_null(j, "advice", w->advice);
	json_object_end(j);
}

static int print_json(const struct listed_process *p)
{
	struct buf line;
	struct json j;
	int r;

	buf_init(&line, LINE_MAX_BYTES);
	json_init(&j, &line);
	json_object_begin(&j);
	json_key(&j, "pid");
	json_u64(&j, (uint64_t)p->pid);
	json_or_null(&j, "comm", p->comm);
	json_or_null(&j, "exe", p->exe);
	json_key(&j, "stacks");
	json_array_begin(&j);
	for (size_t i = 0; i < p->stack_cnt; i++)
		json_stack(&j, &p->stacks[i], p->build_ids[i]);
	json_array_end(&j);
	json_key(&j, "unreadable_files");
	json_u64(&j, p->unreadable_cnt);
	json_or_null(&j, "problem", p->problem);
	json_object_end(&j);
	r = print_json_line(&j);
	buf_done(&line);
	return r;
}

static int print(void *user, const struct listed_process *p)
{
	struct printing *to = user;

	to->process_cnt += p->stack_cnt > 0;
	to->closed_cnt += p->problem || p->unreadable_cnt;
	if (to->json)
		return print_json(p);
	print_text(p);
	return 0;
}

int ls_stacks(pid_t pid, bool json)
{
	struct printing to = { .json = json };
	struct error err = { 0 };

	if (list_stacks(pid, print, &to, &err) < 0) {
		fprintf(stderr, "plaintap: ls: %s\n", err.text);
		return EXIT_ERROR;
	}
	if (fflush(stdout) == EOF) {
		perror("plaintap: ls: cannot write");
		return EXIT_ERROR;
	}
	if (!to.process_cnt)
		fprintf(stderr, "plaintap: ls: no TLS was found%s\n",
			pid ? " in that process: see plaintap doctor -p PID" : "");
	if (to.closed_cnt)
		fprintf(stderr,
			"plaintap: ls: %zu process%s could not be looked into, or not wholly; %s\n",
			to.closed_cnt, to.closed_cnt == 1 ? "" : "es",
			geteuid() ? "run it as root to see them: sudo plaintap ls"
				  : "restart those whose files were replaced to see all of them");
	return EXIT_SUCCESS;
}

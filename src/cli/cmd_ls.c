// SPDX-License-Identifier: BSD-2-Clause
#include "cmd_ls.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/list_probes.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "ls_stacks.h"
#include "model/target.h"
#include "options.h"
#include "print_json.h"
#include "subcommands.h"

enum { LINE_MAX_BYTES = 1 << 16 };

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "plaintap: ls: %s%s\nTry: plaintap ls %s\n", what, word,
		subcommand_rows[SUBCOMMAND_LS].args);
	return EXIT_USAGE;
}

static void print_points(const char *title, const struct probe_point *points, size_t cnt)
{
	if (!cnt)
		return;
	printf("  %s\n", title);
	for (size_t i = 0; i < cnt; i++) {
		const struct probe_point *p = &points[i];

		printf("    %-8s 0x%06" PRIx64 "  %-15s %-24s %s\n             %s\n",
		       probe_role_name(p->role), p->file_off, probe_cost_name(p->cost),
		       p->instruction, p->symbol, p->reason);
	}
}

static void print_layout(const struct tls_layout *l)
{
	printf("  fields of its objects:\n");
	if (l->has_type)
		printf("    %-13s a connection is what has %u in the 4 bytes at 0x%x\n", "type",
		       (unsigned)l->type_value, l->type_offset);
	for (unsigned i = 0; i < TLS_FIELD_CNT; i++) {
		const struct tls_place *p = &l->places[i];

		printf("    %-13s ", tls_field_name(i));
		for (unsigned k = 0; k < p->step_cnt; k++)
			printf("%s0x%x", k ? " -> " : "", p->steps[k]);
		if (!p->step_cnt)
			printf("unknown: %s", p->reason);
		printf("\n");
	}
}

static void print_text(const struct target *t)
{
	printf("%s (%s)\n", t->path, t->version[0] ? t->version : target_kind_name(t->kind));
	print_points("probes:", t->points, t->point_cnt);
	print_points("instead of a worker whose first calls turn out wrong:", t->fallback,
		     t->fallback_cnt);
	print_layout(&t->layout);
}

static const char *length_name(enum probe_len len_from)
{
	static const char *const names[] = { "none", "result", "arg3", "arg4" };

	return (size_t)len_from < sizeof(names) / sizeof(names[0]) ? names[len_from] : "none";
}

static void json_points(struct json *j, const char *key, const struct probe_point *points,
			size_t cnt)
{
	json_key(j, key);
	json_array_begin(j);
	for (size_t i = 0; i < cnt; i++) {
		json_object_begin(j);
		json_key(j, "role");
		json_c_str(j, probe_role_name(points[i].role));
		json_key(j, "symbols");
		json_c_str(j, points[i].symbol);
		json_key(j, "worker");
		json_bool(j, points[i].is_worker);
		json_key(j, "file_offset");
		json_u64(j, points[i].file_off);
		json_key(j, "behind_start");
		json_u64(j, points[i].at);
		json_key(j, "instruction");
		json_c_str(j, points[i].instruction);
		json_key(j, "cost");
		json_c_str(j, probe_cost_name(points[i].cost));
		json_key(j, "length_from");
		json_c_str(j, length_name(points[i].len_from));
		json_key(j, "reason");
		json_c_str(j, points[i].reason);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_place(struct json *j, const struct tls_place *p)
{
	json_object_begin(j);
	json_key(j, "offsets");
	json_array_begin(j);
	for (unsigned k = 0; k < p->step_cnt; k++)
		json_u64(j, p->steps[k]);
	json_array_end(j);
	json_key(j, "length");
	json_u64(j, p->step_cnt ? p->len : 0);
	json_key(j, "reason");
	json_c_str(j, p->step_cnt ? NULL : p->reason);
	json_object_end(j);
}

static void json_layout(struct json *j, const struct tls_layout *l)
{
	json_key(j, "type");
	if (l->has_type) {
		json_object_begin(j);
		json_key(j, "offset");
		json_u64(j, l->type_offset);
		json_key(j, "value");
		json_u64(j, l->type_value);
		json_object_end(j);
	} else {
		json_null(j);
	}
	json_key(j, "fields");
	json_object_begin(j);
	for (unsigned i = 0; i < TLS_FIELD_CNT; i++) {
		json_key(j, tls_field_name(i));
		json_place(j, &l->places[i]);
	}
	json_object_end(j);
}

static int print_json(const struct target *t)
{
	struct buf line;
	struct json j;
	int r;

	buf_init(&line, LINE_MAX_BYTES);
	json_init(&j, &line);
	json_object_begin(&j);
	json_key(&j, "library");
	json_c_str(&j, t->path);
	json_key(&j, "kind");
	json_c_str(&j, target_kind_name(t->kind));
	json_key(&j, "version");
	json_c_str(&j, t->version[0] ? t->version : NULL);
	json_points(&j, "probes", t->points, t->point_cnt);
	json_points(&j, "fallback", t->fallback, t->fallback_cnt);
	json_layout(&j, &t->layout);
	json_object_end(&j);
	r = print_json_line(&j);
	buf_done(&line);
	return r;
}

static int print_target(void *user, const struct target *t)
{
	const bool *json = user;

	if (*json)
		return print_json(t);
	print_text(t);
	return 0;
}

static int list(const char *what, bool json)
{
	struct error err = { 0 };

	if (list_probes(what, print_target, &json, &err) < 0) {
		fprintf(stderr, "plaintap: ls: %s\n", err.text);
		return EXIT_ERROR;
	}
	if (fflush(stdout) == EOF) {
		perror("plaintap: ls: cannot write");
		return EXIT_ERROR;
	}
	return EXIT_SUCCESS;
}

static int list_processes(const char *pid_word, bool json)
{
	uint64_t pid = 0;

	if (pid_word && (str_to_u64(str_from(pid_word), 10, &pid) < 0 || !pid || pid > INT_MAX))
		return usage_error("not a process id: -p ", pid_word);
	return ls_stacks((pid_t)pid, json);
}

int cmd_ls(int argc, char **argv)
{
	const char *what = NULL, *pid = NULL;
	bool probes = false, json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--probes"))
			probes = true;
		else if (!strcmp(argv[i], "--json"))
			json = true;
		else if ((!strcmp(argv[i], "-p") || !strcmp(argv[i], "--pid")) && i + 1 < argc &&
			 !pid)
			pid = argv[++i];
		else if (!strcmp(argv[i], "-p") || !strcmp(argv[i], "--pid"))
			return usage_error("one process id belongs to ", argv[i]);
		else if (argv[i][0] == '-' && argv[i][1])
			return usage_error("there is no option ", argv[i]);
		else if (what)
			return usage_error("one PID or FILE at a time, not also ", argv[i]);
		else
			what = argv[i];
	}
	if (probes && pid)
		return usage_error("with --probes write the process id without ", "-p");
	if (probes)
		return what ? list(what, json)
			    : usage_error("--probes needs a process id or a library file", "");
	if (what)
		return usage_error("a process is given with -p PID, a file with --probes; not ",
				   what);
	return list_processes(pid, json);
}

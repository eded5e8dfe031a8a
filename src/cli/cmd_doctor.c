// SPDX-License-Identifier: BSD-2-Clause
#include "cmd_doctor.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/doctor.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "options.h"
#include "print_json.h"
#include "print_name.h"
#include "subcommands.h"

enum { JSON_MAX = 1 << 20, DEFAULT_SECONDS = 3, MAX_SECONDS = 3600 };

struct doctor_words {
	struct doctor_options options;
	bool json;
};

static int usage_error(const char *what, const char *word)
{
	fprintf(stderr, "plaintap: doctor: %s%s\nTry: plaintap doctor %s\n", what, word,
		subcommand_rows[SUBCOMMAND_DOCTOR].args);
	return EXIT_USAGE;
}

static int take_pid(struct doctor_words *w, const char *value)
{
	uint64_t pid;

	if (str_to_u64(str_from(value), 10, &pid) < 0 || !pid || pid > INT_MAX)
		return usage_error("not a process id: -p ", value);
	if (w->options.pid)
		return usage_error("one process at a time, not also -p ", value);
	w->options.pid = (pid_t)pid;
	return 0;
}

static int take_seconds(struct doctor_words *w, const char *value)
{
	uint64_t seconds;

	if (str_to_u64(str_from(value), 10, &seconds) < 0 || !seconds || seconds > MAX_SECONDS)
		return usage_error("must be a number from 1 to 3600: --seconds ", value);
	w->options.seconds = (unsigned)seconds;
	return 0;
}

/* 0, or an exit status. */
static int parse(int argc, char **argv, struct doctor_words *w)
{
	for (int i = 1, r; i < argc; i++) {
		bool pid = !strcmp(argv[i], "-p") || !strcmp(argv[i], "--pid");

		if (!strcmp(argv[i], "--")) {
			w->options.command = argv + i + 1;
			break;
		}
		if (!strcmp(argv[i], "--json")) {
			w->json = true;
			continue;
		}
		if (!pid && strcmp(argv[i], "--seconds") != 0)
			return usage_error("there is no option ", argv[i]);
		if (i + 1 == argc)
			return usage_error("a value is missing after ", argv[i]);
		r = pid ? take_pid(w, argv[i + 1]) : take_seconds(w, argv[i + 1]);
		if (r)
			return r;
		i++;
	}
	if (w->options.command && !w->options.command[0])
		return usage_error("there is no program after ", "--");
	if (w->options.command && w->options.pid)
		return usage_error("-p and a program after -- cannot go together", "");
	return 0;
}

static void print_points(const struct doctor_process *p)
{
	const char *library = "";

	for (size_t i = 0; i < p->point_cnt; i++) {
		const struct doctor_point *point = &p->points[i];

		if (strcmp(library, point->library) != 0) {
			printf("probes in ");
			print_name(point->library);
			printf(", and how often they were hit in %u s:\n", p->seconds);
		}
		library = point->library;
		printf("  %8" PRIu64 "  %-8s 0x%06" PRIx64 "  %s\n", point->hits, point->role,
		       point->file_off, point->symbols);
	}
}

static void print_finding(const struct doctor_finding *f)
{
	printf("%-7s  ", doctor_level_name(f->level));
	print_name(f->text);
	if (f->advice[0])
		printf("\n         → %s", f->advice);
	putchar('\n');
}

static void print_text(const struct doctor_report *report)
{
	printf("Linux %s, %s\n", report->machine.release, report->machine.arch);
	if (report->has_process)
		print_points(&report->process);
	for (size_t i = 0; i < report->findings.cnt; i++)
		print_finding(&report->findings.items[i]);
	if (doctor_would_work(&report->findings))
		puts("Nothing prevents a capture.");
	else
		puts("A capture would not work: see \"problem\" above.");
}

static void json_points(struct json *j, const struct doctor_process *p)
{
	json_key(j, "probes");
	json_array_begin(j);
	for (size_t i = 0; i < p->point_cnt; i++) {
		json_object_begin(j);
		json_key(j, "library");
		json_c_str(j, p->points[i].library);
		json_key(j, "role");
		json_c_str(j, p->points[i].role);
		json_key(j, "symbols");
		json_c_str(j, p->points[i].symbols);
		json_key(j, "file_offset");
		json_u64(j, p->points[i].file_off);
		json_key(j, "hits");
		json_u64(j, p->points[i].hits);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_findings(struct json *j, const struct doctor_findings *findings)
{
	json_key(j, "findings");
	json_array_begin(j);
	for (size_t i = 0; i < findings->cnt; i++) {
		const struct doctor_finding *f = &findings->items[i];

		json_object_begin(j);
		json_key(j, "id");
		json_c_str(j, f->id);
		json_key(j, "level");
		json_c_str(j, doctor_level_name(f->level));
		json_key(j, "text");
		json_c_str(j, f->text);
		json_key(j, "advice");
		json_c_str(j, f->advice[0] ? f->advice : NULL);
		json_object_end(j);
	}
	json_array_end(j);
}

static int print_json(const struct doctor_report *report)
{
	struct buf out;
	struct json j;
	int r;

	buf_init(&out, JSON_MAX);
	json_init(&j, &out);
	json_object_begin(&j);
	json_key(&j, "kernel");
	json_c_str(&j, report->machine.release);
	json_key(&j, "machine");
	json_c_str(&j, report->machine.arch);
	json_key(&j, "would_work");
	json_bool(&j, doctor_would_work(&report->findings));
	json_key(&j, "pid");
	if (report->has_process)
		json_u64(&j, (uint64_t)report->process.pid);
	else
		json_null(&j);
	json_key(&j, "seconds");
	json_u64(&j, report->process.seconds);
	json_points(&j, &report->process);
	json_findings(&j, &report->findings);
	json_object_end(&j);
	r = print_json_line(&j);
	buf_done(&out);
	return r;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor_words w = { .options = { .seconds = DEFAULT_SECONDS } };
	struct doctor_report *report;
	struct error err = { 0 };
	int r = parse(argc, argv, &w);
	bool works;

	if (r)
		return r;
	if (doctor_run(&w.options, &report, &err) < 0) {
		fprintf(stderr, "plaintap: doctor: %s\n", err.text);
		return EXIT_ERROR;
	}
	works = doctor_would_work(&report->findings);
	if (w.json)
		r = print_json(report);
	else
		print_text(report);
	free(report);
	if (r < 0 || fflush(stdout) == EOF) {
		fprintf(stderr, "plaintap: doctor: cannot write the report\n");
		return EXIT_ERROR;
	}
	return works ? EXIT_SUCCESS : EXIT_ERROR;
}

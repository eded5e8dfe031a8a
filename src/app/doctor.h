/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why plaintap would or would not show something. Facts are gathered first (doctor_run.c); what
 * they mean, and what to do about each, is told by pure functions of the facts.
 */
#ifndef PLAINTAP_APP_DOCTOR_H
#define PLAINTAP_APP_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/stack_words.h"
#include "attach/features.h"
#include "attach/privilege.h"
#include "attach/return_probe_check.h"
#include "base/error.h"
#include "discover/process_state.h"

enum doctor_level {
	DOCTOR_GOOD,
	DOCTOR_NOTE,	/* something may be missing, or cost more */
	DOCTOR_PROBLEM, /* prevents a capture */
	DOCTOR_LEVEL_CNT,
};

struct doctor_finding {
	enum doctor_level level;
	const char *id;	  /* "kernel.btf", static and stable, for programs */
	char text[900];	  /* what is so */
	char advice[320]; /* what to do; "" only where all is good */
};

enum { DOCTOR_FINDING_MAX = 64, DOCTOR_STACK_MAX = 16, DOCTOR_POINT_MAX = 96 };

struct doctor_findings {
	struct doctor_finding items[DOCTOR_FINDING_MAX];
	size_t cnt;
};

struct doctor_machine {
	char release[65], arch[65];
	bool has_btf;
	char lockdown[24]; /* "none", "integrity", "confidentiality"; "" the kernel has none */
	int64_t perf_event_paranoid, unprivileged_bpf_disabled; /* INT64_MIN: not known */
	struct privileges may;
	bool features_tried;
	bool has[FEATURE_CNT];
	struct error features_error; /* the minimum is missing; code 0: it is there */
	enum return_probe_fate return_probes;
	bool in_first_pid_ns;
	int own_seccomp; /* of plaintap itself, as process_state.seccomp */
};

struct doctor_point {
	char library[256], symbols[64];
	const char *role;
	bool moves_bytes; /* a call is one that would be shown */
	uint64_t file_off;
	uint64_t hits;
};

struct doctor_process {
	pid_t pid;
	char command[256]; /* "" with -p */
	struct process_state state;
	struct error look_error;   /* why it could not be looked into; code 0: it was */
	struct error attach_error; /* why a probe could not be placed; code 0: all were */
	struct stack_words stacks[DOCTOR_STACK_MAX];
	size_t stack_cnt;
	size_t unreadable_cnt; /* mapped files that could not be opened */
	bool is_static;
	unsigned child_cnt;
	unsigned seconds; /* for which calls were counted; 0: they were not */
	bool ended_meanwhile;
	struct doctor_point points[DOCTOR_POINT_MAX];
	size_t point_cnt;
};

struct doctor_report {
	struct doctor_machine machine;
	bool has_process;
	struct doctor_process process;
	struct doctor_findings findings;
};

/* Pure: append what the facts mean. */
void doctor_explain_machine(const struct doctor_machine *m, struct doctor_findings *f);
void doctor_explain_process(const struct doctor_machine *m, const struct doctor_process *p,
			    struct doctor_findings *f);
void doctor_add(struct doctor_findings *f, enum doctor_level level, const char *id,
		const char *advice, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* No finding is a problem. */
bool doctor_would_work(const struct doctor_findings *f);
/* "ok", "note", "problem". */
const char *doctor_level_name(enum doctor_level level);

struct doctor_options {
	pid_t pid;	/* 0: none */
	char **command; /* NULL: none */
	unsigned seconds;
};

/*
 * Looks at the machine, and at the process or command if one is given; counts for some seconds how
 * often its TLS functions are called. A command gets our stderr as its stdout, and SIGTERM when it
 * still runs after that time. Fails only where nothing can be said (-ENOMEM, no such command);
 * `ret` is to be freed.
 */
int doctor_run(const struct doctor_options *opt, struct doctor_report **ret,
	       struct error *ret_error);

#endif

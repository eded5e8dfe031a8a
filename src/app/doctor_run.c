// SPDX-License-Identifier: BSD-2-Clause
/* Gathers the facts. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/hit_counter.h"
#include "attach/libbpf_log.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "command.h"
#include "discover/ld_cache.h"
#include "discover/open_file.h"
#include "discover/process_tree.h"
#include "discover/program.h"
#include "discover/tls_files.h"
#include "discover/tls_library.h"
#include "doctor.h"
#include "model/target.h"

enum {
	TARGET_MAX = 16,	   /* libraries whose calls are counted */
	STEP_MS = 20,		   /* between two looks at a running program */
	FIRST_PID_NS = 0xEFFFFFFC, /* the kernel's PROC_PID_INIT_INO */
};

struct run {
	const struct doctor_options *opt;
	struct doctor_report *report;
	struct tls_file_cache files;
	struct process_findings findings; /* of the command's program */
	struct command command;
	struct hit_counter *counters[TARGET_MAX];
	size_t counter_cnt;
	size_t needed_cnt; /* targets that the command's program needs, the first ones */
	const struct target *mapped[TLS_USE_MAX]; /* when the process was last looked at */
	size_t mapped_cnt;
};

static int64_t read_number(const char *path)
{
	int64_t value = INT64_MIN;
	struct str text;
	uint64_t n;
	struct buf b;

	buf_init(&b, 64);
	if (read_file(path, &b) == 0 && b.len) {
		text = str_make(b.data, b.len - (b.data[b.len - 1] == '\n'));
		if (str_to_u64(text, 10, &n) == 0 && n <= INT32_MAX)
			value = (int64_t)n;
		else if (text.len > 1 && text.p[0] == '-' &&
			 str_to_u64(str_make(text.p + 1, text.len - 1), 10, &n) == 0 &&
			 n <= INT32_MAX)
			value = -(int64_t)n;
	}
	buf_done(&b);
	return value;
}

/* "none [integrity] confidentiality" */
static void read_lockdown(struct doctor_machine *m)
{
	struct str text, word;
	struct buf b;

	buf_init(&b, 256);
	if (read_file("/sys/kernel/security/lockdown", &b) == 0) {
		text = str_make(b.data, b.len);
		while (str_next_part(&text, ' ', &word)) {
			int64_t end = str_find(word, ']');

			if (word.len && word.p[0] == '[' && end > 0)
				snprintf(m->lockdown, sizeof(m->lockdown), "%.*s", (int)end - 1,
					 word.p + 1);
		}
	}
	buf_done(&b);
}

static void look_at_machine(struct doctor_machine *m)
{
	struct process_state self;
	struct features features;
	struct utsname names;
	struct stat ns;

	if (uname(&names) == 0) {
		snprintf(m->release, sizeof(m->release), "%s", names.release);
		snprintf(m->arch, sizeof(m->arch), "%s", names.machine);
	}
	m->has_btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	read_lockdown(m);
	m->perf_event_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
	m->unprivileged_bpf_disabled = read_number("/proc/sys/kernel/unprivileged_bpf_disabled");
	privileges_read(&m->may);
	m->features_tried = m->has_btf && (m->may.sys_admin || (m->may.bpf && m->may.perfmon));
	if (m->features_tried && features_probe(0, NULL, &features, &m->features_error) == 0)
		memcpy(m->has, features.has, sizeof(m->has));
	m->return_probes = return_probe_check();
	m->in_first_pid_ns = stat("/proc/self/ns/pid", &ns) < 0 || ns.st_ino == FIRST_PID_NS;
	process_state_read(getpid(), &self);
	m->own_seccomp = self.seccomp;
}

static void take_uses(struct doctor_process *p, const struct tls_uses *uses)
{
	_Static_assert((int)DOCTOR_STACK_MAX >= (int)TLS_USE_MAX, "room for all");

	p->stack_cnt = uses->cnt;
	p->unreadable_cnt = uses->unreadable_cnt;
	p->is_static = uses->is_static;
	for (size_t i = 0; i < uses->cnt; i++)
		stack_words(uses->items[i].file, uses->items[i].version, &p->stacks[i]);
}

static int look_into(struct run *run, struct error *err)
{
	struct doctor_process *p = &run->report->process;
	struct tls_uses uses;
	int r = tls_files_of(&run->files, "/proc", p->pid, &uses, err);

	if (r < 0)
		return r;
	/* It is just ending, or has not begun. */
	if (uses.maps_nothing)
		return -ESRCH;
	take_uses(p, &uses);
	run->mapped_cnt = 0;
	for (size_t i = 0; i < uses.cnt; i++)
		run->mapped[run->mapped_cnt++] = uses.items[i].file->target;
	return 0;
}

static void count_child(void *user, pid_t pid)
{
	unsigned *cnt = user;

	(*cnt)++;
}

static void look_at_children(struct doctor_process *p)
{
	struct process_tree tree;

	if (process_tree_read(&tree, "/proc") < 0)
		return;
	process_tree_descendants(&tree, p->pid, count_child, &p->child_cnt);
	process_tree_done(&tree);
}

static void start_counting(struct run *run)
{
	const struct target_list *targets = &run->files.targets;
	struct doctor_process *p = &run->report->process;

	if (!run->report->machine.features_tried)
		return;
	for (size_t i = 0; i < targets->cnt && run->counter_cnt < TARGET_MAX; i++)
		if (hit_counter_new(targets->items[i], p->pid, &run->counters[run->counter_cnt],
				    &p->attach_error) == 0)
			run->counter_cnt++;
	p->seconds = run->counter_cnt ? run->opt->seconds : 0;
}

/* Of a command, libraries that it might have loaded are told of only if it did. */
static bool is_worth_telling(const struct run *run, const struct hit_counter *c)
{
	const struct target *t = hit_counter_target(c);

	if (!run->opt->command)
		return true;
	for (size_t i = 0; i < run->mapped_cnt; i++)
		if (run->mapped[i] == t)
			return true;
	for (size_t i = 0; i < t->point_cnt; i++)
		if (hit_counter_hits(c, i))
			return true;
	for (size_t i = 0; i < run->needed_cnt; i++)
		if (run->files.targets.items[i] == t)
			return true;
	return false;
}

static void take_counts(const struct hit_counter *c, struct doctor_process *p)
{
	const struct target *t = hit_counter_target(c);

	for (size_t i = 0; i < t->point_cnt && p->point_cnt < DOCTOR_POINT_MAX; i++) {
		struct doctor_point *to = &p->points[p->point_cnt++];

		snprintf(to->library, sizeof(to->library), "%s", t->path);
		snprintf(to->symbols, sizeof(to->symbols), "%s", t->points[i].symbol);
		to->role = probe_role_name(t->points[i].role);
		to->moves_bytes = probe_role_moves_bytes(t->points[i].role);
		to->file_off = t->points[i].file_off;
		to->hits = hit_counter_hits(c, i);
	}
}

static void end_counting(struct run *run)
{
	for (size_t i = 0; i < run->counter_cnt; i++) {
		if (is_worth_telling(run, run->counters[i]))
			take_counts(run->counters[i], &run->report->process);
		hit_counter_free(run->counters[i]);
	}
	run->counter_cnt = 0;
}

static bool has_ended(struct run *run)
{
	struct process_state s;

	if (run->opt->command) {
		command_reap(&run->command);
		return run->command.ended;
	}
	if (kill(run->report->process.pid, 0) < 0 && errno == ESRCH)
		return true;
	process_state_read(run->report->process.pid, &s);
	return !s.exists || s.has_ended;
}

/* That it has ended by now is no news of a command. */
static void keep_state(struct doctor_process *p)
{
	struct process_state s;

	process_state_read(p->pid, &s);
	if (s.exists && !s.has_ended)
		p->state = s;
}

/* A command loads its libraries while it runs, and may be gone soon. */
static void watch(struct run *run)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };
	struct doctor_process *p = &run->report->process;
	unsigned steps = run->opt->seconds * (1000 / STEP_MS);
	bool seen = false;

	for (unsigned i = 0; i < steps && !p->ended_meanwhile; i++) {
		nanosleep(&step, NULL);
		p->ended_meanwhile = has_ended(run);
		if (run->opt->command && !p->ended_meanwhile && (!seen || i % 10 == 0)) {
			seen = look_into(run, NULL) == 0 && p->stack_cnt;
			keep_state(p);
		}
	}
	look_at_children(p);
}

static void examine_pid(struct run *run)
{
	struct doctor_process *p = &run->report->process;

	process_state_read(p->pid, &p->state);
	if (!p->state.exists || p->state.has_ended || p->state.is_kernel_thread ||
	    p->state.leader != p->pid)
		return;
	if (look_into(run, &p->look_error) == -ESRCH) {
		p->look_error.code = 0;
		p->state.exists = false;
		return;
	}
	start_counting(run);
	if (p->seconds)
		watch(run);
	end_counting(run);
}

/* What the program's file tells, for one that is gone before its memory can be looked at. */
static void look_at_program(struct run *run)
{
	struct doctor_process *p = &run->report->process;
	const struct process_findings *found = &run->findings;
	CLEANUP_CLOSE int fd = found->program ? open_regular(found->program) : -1;
	const struct tls_file *f = fd < 0 ? NULL : tls_file_look(&run->files, fd, found->program);

	p->is_static = found->link == FINDINGS_LINK_STATIC;
	if (f && f->support != TLS_SUPPORT_NONE)
		stack_words(f, f->version, &p->stacks[p->stack_cnt++]);
	for (size_t i = 0; i < run->needed_cnt && p->stack_cnt < DOCTOR_STACK_MAX; i++) {
		const struct target *t = run->files.targets.items[i];

		f = tls_file_look(&run->files, t->fd, t->path);
		if (f)
			stack_words(f, f->version, &p->stacks[p->stack_cnt++]);
	}
	for (size_t i = 0; i < found->library_cnt && p->stack_cnt < DOCTOR_STACK_MAX; i++) {
		const char *project = tls_library_unsupported(found->libraries[i]);

		if (project)
			stack_words_of_unsupported(found->libraries[i], project,
						   &p->stacks[p->stack_cnt++]);
	}
}

/* Its stdout is for the report. */
static int fork_command(struct run *run, const char *path, struct error *ret_error)
{
	CLEANUP_CLOSE int kept = dup(STDOUT_FILENO);
	int r;

	if (kept < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_set_errno(ret_error, -errno, "cannot run %s", path);
	r = command_start(&run->command, path, run->opt->command, ret_error);
	if (dup2(kept, STDOUT_FILENO) < 0 && !r)
		r = error_set_errno(ret_error, -errno, "cannot run %s", path);
	return r;
}

static void end_command(struct run *run)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };

	if (!run->command.pid || run->command.ended)
		return;
	kill(run->command.pid, SIGTERM);
	for (int i = 0; i < 2000 / STEP_MS && !run->command.ended; i++) {
		nanosleep(&step, NULL);
		command_reap(&run->command);
	}
	if (run->command.ended)
		return;
	kill(run->command.pid, SIGKILL);
	waitpid(run->command.pid, NULL, 0);
	run->command.ended = true;
}

static int examine_command(struct run *run, struct error *ret_error)
{
	struct doctor_process *p = &run->report->process;
	CLEANUP_FREE char *path = NULL;
	struct error err = { 0 };
	int r = program_resolve(run->opt->command[0], getenv("PATH"), &path, ret_error);

	if (!r)
		r = fork_command(run, path, ret_error);
	if (r < 0)
		return r;
	p->pid = run->command.pid;
	snprintf(p->command, sizeof(p->command), "%s", path_base(path));
	discover_program(path, &run->files.targets, &run->findings, NULL);
	run->needed_cnt = run->files.targets.cnt;
	discover_loader_cache(LD_CACHE_PATH, &run->files.targets, NULL, NULL);
	process_state_read(p->pid, &p->state);
	start_counting(run);
	r = command_go(&run->command, &err);
	if (r < 0)
		return error_set(ret_error, r, "cannot run %s: %s", path, err.text);
	watch(run);
	end_counting(run);
	if (!p->stack_cnt)
		look_at_program(run);
	end_command(run);
	return 0;
}

static int examine(struct run *run, struct error *ret_error)
{
	struct doctor_report *report = run->report;
	int r = 0;

	look_at_machine(&report->machine);
	doctor_explain_machine(&report->machine, &report->findings);
	report->has_process = run->opt->pid || run->opt->command;
	report->process.pid = run->opt->pid;
	if (run->opt->command)
		r = examine_command(run, ret_error);
	else if (run->opt->pid)
		examine_pid(run);
	if (!r && report->has_process)
		doctor_explain_process(&report->machine, &report->process, &report->findings);
	return r;
}

int doctor_run(const struct doctor_options *opt, struct doctor_report **ret,
	       struct error *ret_error)
{
	struct run run = { .opt = opt };
	int r;

	run.report = calloc(1, sizeof(*run.report));
	if (!run.report)
		return error_set_errno(ret_error, -ENOMEM, "cannot look at this machine");
	libbpf_log_use();
	command_init(&run.command);
	tls_file_cache_init(&run.files);
	process_findings_init(&run.findings);
	r = examine(&run, ret_error);
	end_counting(&run);
	end_command(&run);
	command_done(&run.command);
	process_findings_done(&run.findings);
	tls_file_cache_done(&run.files);
	if (r < 0)
		free(run.report);
	else
		*ret = run.report;
	return r;
}

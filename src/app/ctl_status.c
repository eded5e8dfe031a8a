// SPDX-License-Identifier: BSD-2-Clause
#include "ctl_status.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "attach/kernel_side.h"
#include "attach/kernel_tables.h"
#include "base/json.h"
#include "base/text.h"
#include "model/process.h"
#include "model/target.h"
#include "now.h"
#include "sink/json_model.h"
#include "state.h"

struct watched_list {
	struct {
		pid_t pid;
		bool is_in;
	} items[CTL_STATUS_PROCESS_MAX];
	unsigned cnt; /* listed */
	unsigned all_cnt, in_cnt;
};

static void list_one(void *user, pid_t pid, bool is_in)
{
	struct watched_list *l = user;

	l->all_cnt++;
	l->in_cnt += is_in;
	if (l->cnt == CTL_STATUS_PROCESS_MAX)
		return;
	l->items[l->cnt].pid = pid;
	l->items[l->cnt].is_in = is_in;
	l->cnt++;
}

/* So far: what is still in the ring is in the kernel's counts, but not in the others. */
static void refresh_counters(struct app *a)
{
	struct kernel_stats stats;

	if (kernel_tables_stats(a->kernel, &stats) == 0)
		collect_kernel_stats(&a->pipeline.collector, &stats);
}

static uint64_t since_ns(const struct app *a)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec -
	       (app_now_ns() - a->start_ns);
}

static const char *mode(const struct app *a)
{
	if (app_is_whole_machine(a->opt))
		return "machine";
	return a->opt->command ? "command" : "processes";
}

static bool is_probed(const struct app *a, const struct target *t)
{
	return kernel_side_has_attached(a->kernel, t);
}

static void json_filters(struct app *a, struct json *j)
{
	json_key(j, "filters");
	json_array_begin(j);
	for (size_t i = 0; i < a->opt->filter_cnt; i++) {
		const struct filter_word *w = &a->opt->filters[i];

		json_object_begin(j);
		json_key(j, "kind");
		json_c_str(j, filter_kind_name(w->kind));
		json_key(j, "exclude");
		json_bool(j, w->exclude);
		json_key(j, "value");
		json_str(j, str_from(w->text));
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_process(struct app *a, struct json *j, pid_t pid, bool is_in)
{
	struct process *p = process_table_get(&a->pipeline.processes, pid);

	json_object_begin(j);
	json_key(j, "pid");
	json_i64(j, pid);
	json_key(j, "comm");
	if (p)
		json_str(j, str_from(p->comm));
	else
		json_null(j);
	json_key(j, "captured");
	json_bool(j, is_in);
	json_object_end(j);
	process_unref(p);
}

static void json_watched(struct app *a, struct json *j)
{
	struct watched_list l = { .cnt = 0 };

	kernel_side_each_watched(a->kernel, list_one, &l);
	json_key(j, "watched_count");
	json_u64(j, l.all_cnt);
	json_key(j, "watched");
	json_array_begin(j);
	for (unsigned i = 0; i < l.cnt; i++)
		json_process(a, j, l.items[i].pid, l.items[i].is_in);
	json_array_end(j);
}

static struct target_use use_of(const struct app *a, const struct target *t)
{
	return target_uses_get(&a->pipeline.uses, t->id, a->targets.cnt == 1);
}

static void json_targets(struct app *a, struct json *j)
{
	json_key(j, "targets");
	json_array_begin(j);
	for (size_t i = 0; i < a->targets.cnt; i++) {
		const struct target *t = a->targets.items[i];
		struct target_use use = use_of(a, t);

		json_object_begin(j);
		json_key(j, "library");
		json_str(j, str_from(t->path));
		json_key(j, "kind");
		json_c_str(j, target_kind_name(t->kind));
		json_key(j, "places");
		json_u64(j, t->point_cnt);
		json_key(j, "probed");
		json_bool(j, is_probed(a, t));
		json_key(j, "only_in_pid");
		if (kernel_side_is_near(a->kernel, t))
			json_i64(j, a->home.pid);
		else
			json_null(j);
		json_key(j, "seen");
		target_use_json(&use, j);
		json_object_end(j);
	}
	json_array_end(j);
}

int ctl_status_json(struct app *a, struct buf *out)
{
	struct json j;

	refresh_counters(a);
	json_init(&j, out);
	json_object_begin(&j);
	json_key(&j, "type");
	json_c_str(&j, "status");
	json_key(&j, "pid");
	json_i64(&j, getpid());
	json_key(&j, "version");
	json_c_str(&j, PLAINTAP_VERSION);
	json_key(&j, "since");
	json_time(&j, since_ns(a));
	json_key(&j, "mode");
	json_c_str(&j, mode(a));
	json_filters(a, &j);
	json_watched(a, &j);
	json_targets(a, &j);
	json_key(&j, "counters");
	json_model_summary(&j, &a->pipeline.counters);
	json_object_end(&j);
	return json_error(&j) ? json_error(&j) : buf_append_byte(out, '\n');
}

static void text_filters(struct app *a, struct buf *out)
{
	for (size_t i = 0; i < a->opt->filter_cnt; i++) {
		const struct filter_word *w = &a->opt->filters[i];

		buf_printf(out, "  --%s%s ", w->exclude ? "exclude-" : "",
			   filter_kind_name(w->kind));
		text_escape(out, str_from(w->text), TEXT_LINE, 0);
		buf_append_byte(out, '\n');
	}
}

static void text_watched(struct app *a, struct buf *out)
{
	struct watched_list l = { .cnt = 0 };

	kernel_side_each_watched(a->kernel, list_one, &l);
	if (app_is_whole_machine(a->opt) && !kernel_side_control(a->kernel)->filters)
		return;
	buf_printf(out, "processes: %u, of which %u captured\n", l.all_cnt, l.in_cnt);
	for (unsigned i = 0; i < l.cnt; i++) {
		struct process *p = process_table_get(&a->pipeline.processes, l.items[i].pid);

		buf_printf(out, "  %d ", (int)l.items[i].pid);
		text_escape(out, str_from(p ? p->comm : "?"), TEXT_LINE, 0);
		buf_append_str(out, l.items[i].is_in ? "\n" : " (not captured so far)\n");
		process_unref(p);
	}
}

static void text_targets(struct app *a, struct buf *out)
{
	buf_printf(out, "libraries: %zu\n", a->targets.cnt);
	for (size_t i = 0; i < a->targets.cnt; i++) {
		const struct target *t = a->targets.items[i];
		struct target_use use = use_of(a, t);

		buf_append_str(out, "  ");
		text_escape(out, str_from(t->path), TEXT_LINE, 0);
		buf_printf(out, " (%s, %zu places%s): ", target_kind_name(t->kind), t->point_cnt,
			   is_probed(a, t) ? "" : ", could not be probed");
		if (kernel_side_is_near(a->kernel, t))
			buf_printf(out, "probed in process %d alone, ", (int)a->home.pid);
		target_use_text(&use, out);
		buf_append_byte(out, '\n');
	}
}

int ctl_status_text(struct app *a, struct buf *out)
{
	const struct counters *c = &a->pipeline.counters;
	uint64_t seconds = (app_now_ns() - a->start_ns) / 1000000000;

	refresh_counters(a);
	buf_printf(out, "plaintap %s, process %d, for %" PRIu64 " s: watches %s%s\n",
		   PLAINTAP_VERSION, (int)getpid(), seconds,
		   app_is_whole_machine(a->opt) ? "the whole machine" : "what was named",
		   a->opt->filter_cnt ? ", filtered" : "");
	text_filters(a, out);
	text_watched(a, out);
	text_targets(a, out);
	buf_printf(out,
		   "counts: %" PRIu64 " connections (%" PRIu64 " ended), %" PRIu64
		   " exchanges, %" PRIu64 " calls, %" PRIu64 " bytes captured, ",
		   c->stream.connections, c->stream.connections_closed, c->exchange.exchanges,
		   c->kernel.calls, c->stream.bytes);
	return buf_printf(out, "%" PRIu64 " bytes lost\n", counters_lost_bytes(c));
}

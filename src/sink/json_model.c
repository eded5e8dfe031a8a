// SPDX-License-Identifier: BSD-2-Clause
/*
 * One function an object, in the order in which docs/JSON.md lists the fields. A field that is not
 * known is written as null, never left out.
 */
#include "json_model.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "json_identity.h"
#include "model/connection.h"
#include "model/counters.h"
#include "model/exchange.h"
#include "model/gap.h"
#include "model/process.h"

static void key_c_str(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_c_str(j, s);
}

static void key_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

static void json_container(struct json *j, const struct container *c)
{
	json_key(j, "container");
	if (!c->id[0] && !c->pod[0]) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	key_c_str(j, "id", c->id[0] ? c->id : NULL);
	key_c_str(j, "runtime", c->runtime);
	key_c_str(j, "pod", c->pod[0] ? c->pod : NULL);
	key_c_str(j, "name", c->name[0] ? c->name : NULL);
	key_c_str(j, "pod_name", c->pod_name[0] ? c->pod_name : NULL);
	key_c_str(j, "pod_namespace", c->pod_namespace[0] ? c->pod_namespace : NULL);
	json_object_end(j);
}

static void json_process_place(struct json *j, const struct process *p)
{
	json_key(j, "started");
	json_time_or_null(j, p->started_ns);
	json_key(j, "ns_pid");
	if (p->ns_pid)
		json_i64(j, p->ns_pid);
	else
		json_null(j);
	key_c_str(j, "cgroup", p->cgroup);
	key_c_str(j, "unit", p->unit);
	json_container(j, &p->container);
}

static void json_process(struct json *j, const struct connection *c)
{
	const struct process *p = c->process;

	json_key(j, "process");
	json_object_begin(j);
	json_key(j, "pid");
	json_i64(j, p->pid);
	json_key(j, "tid");
	if (c->tid)
		json_i64(j, c->tid);
	else
		json_null(j);
	json_key(j, "ppid");
	if (p->ppid)
		json_i64(j, p->ppid);
	else
		json_null(j);
	json_key(j, "uid");
	if (p->uid != (uid_t)-1)
		json_u64(j, p->uid);
	else
		json_null(j);
	key_c_str(j, "comm", p->comm[0] ? p->comm : NULL);
	key_c_str(j, "exe", p->exe);
	key_c_str(j, "cmdline", p->cmdline);
	json_process_place(j, p);
	json_object_end(j);
}

static void json_conn(struct json *j, const struct connection *c)
{
	json_key(j, "conn");
	json_object_begin(j);
	key_c_str(j, "id", c->id);
	key_c_str(j, "role", conn_role_name(c->role));
	key_c_str(j, "local", c->local);
	key_c_str(j, "remote", c->remote);
	json_key(j, "tls");
	json_object_begin(j);
	key_c_str(j, "version", c->tls_version);
	key_c_str(j, "cipher", c->tls_cipher);
	key_c_str(j, "sni", c->sni);
	key_c_str(j, "alpn", c->alpn);
	key_c_str(j, "library", c->library);
	key_c_str(j, "library_version", c->library_version);
	json_object_end(j);
	json_object_end(j);
}

void json_model_identity(struct json *j, const struct connection *c)
{
	json_process(j, c);
	json_conn(j, c);
}

/* Of the last one that waited at a socket; by number when it is none of the usual ones. */
static void json_socket_error(struct json *j, int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EPIPE, "EPIPE" },
		{ ECONNABORTED, "ECONNABORTED" },
		{ ECONNRESET, "ECONNRESET" },
		{ ETIMEDOUT, "ETIMEDOUT" },
		{ ECONNREFUSED, "ECONNREFUSED" },
		{ EHOSTUNREACH, "EHOSTUNREACH" },
		{ ENETUNREACH, "ENETUNREACH" },
	};
	char number[16];

	json_key(j, "socket_error");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error != error)
			continue;
		json_c_str(j, names[i].name);
		return;
	}
	snprintf(number, sizeof(number), "%d", error);
	json_c_str(j, error ? number : NULL);
}

static void key_notify(struct json *j, const char *key, enum conn_notify notify)
{
	json_key(j, key);
	if (notify == CONN_NOTIFY_UNKNOWN)
		json_null(j);
	else
		json_bool(j, notify == CONN_NOTIFY_YES);
}

static void json_close(struct json *j, const struct connection *c)
{
	json_key(j, "close");
	json_object_begin(j);
	key_c_str(j, "how", conn_how_name(c));
	key_notify(j, "notify_sent", c->ending.notify_sent);
	key_notify(j, "notify_received", c->ending.notify_received);
	json_socket_error(j, c->ending.socket_error);
	json_object_end(j);
}

void json_model_conn_life(struct json *j, const struct connection *c)
{
	key_c_str(j, "type", "connection");
	json_key(j, "opened");
	json_time(j, c->opened_ns);
	json_key(j, "closed");
	json_time_or_null(j, c->closed_ns);
	key_c_str(j, "end", conn_end_name(c->end));
	json_close(j, c);
	json_model_identity(j, c);
}

void json_model_causes(struct json *j, unsigned causes)
{
	json_key(j, "gap_causes");
	json_array_begin(j);
	for (unsigned bit = 0; bit < GAP_CAUSE_CNT; bit++)
		if (causes & 1u << bit)
			json_c_str(j, gap_cause_name(bit));
	json_array_end(j);
}

/* `key` and `<key>_encoding`: text as it is, anything else as base64. */
static void key_bytes(struct json *j, const char *key, const char *encoding_key, const void *data,
		      size_t len, bool utf8)
{
	json_key(j, key);
	if (utf8)
		json_utf8(j, str_make(data, len));
	else
		json_base64(j, data, len);
	key_c_str(j, encoding_key, utf8 ? "utf8" : "base64");
}

static bool headers_are_utf8(const struct header *headers, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (!text_is_utf8(headers[i].name.p, headers[i].name.len) ||
		    !text_is_utf8(headers[i].value.p, headers[i].value.len))
			return false;
	return true;
}

static bool head_is_utf8(const struct message *m)
{
	return text_is_utf8(m->version.p, m->version.len) &&
	       text_is_utf8(m->method.p, m->method.len) &&
	       text_is_utf8(m->target.p, m->target.len) &&
	       text_is_utf8(m->reason.p, m->reason.len) &&
	       headers_are_utf8(m->headers, m->header_cnt) &&
	       headers_are_utf8(m->trailers, m->trailer_cnt);
}

/* All strings of one head in the same way, so that they can be turned back into bytes. */
static void head_str(struct json *j, struct str s, bool utf8)
{
	if (utf8)
		json_utf8(j, s);
	else
		json_latin1(j, s);
}

static void key_head_str(struct json *j, const char *key, struct str s, bool utf8)
{
	json_key(j, key);
	if (s.len)
		head_str(j, s, utf8);
	else
		json_null(j);
}

static void key_headers(struct json *j, const char *key, const struct header *headers, size_t cnt,
			bool utf8)
{
	json_key(j, key);
	json_array_begin(j);
	for (size_t i = 0; i < cnt; i++) {
		json_array_begin(j);
		head_str(j, headers[i].name, utf8);
		head_str(j, headers[i].value, utf8);
		json_array_end(j);
	}
	json_array_end(j);
}

static const char *incomplete_reason(const struct message *m)
{
	if (m->head_lost)
		return "no_memory";
	if (m->end != MESSAGE_COMPLETE)
		return message_end_name(m->end);
	return m->lost_bytes ? "gap" : NULL;
}

/* What both kinds of message have: from the headers on. */
static void message_fields(struct json *j, const struct message *m, bool utf8)
{
	const char *reason = incomplete_reason(m);
	/* A limit may have cut the last character in two; it then counts as cut. */
	size_t len = m->body_cut ? text_whole_chars(m->body.data, m->body.len) : m->body.len;

	bool body_utf8 = text_is_utf8(m->body.data, len);

	if (!body_utf8)
		len = m->body.len;
	key_headers(j, "headers", m->headers, m->header_cnt, utf8);
	key_headers(j, "trailers", m->trailers, m->trailer_cnt, utf8);
	key_c_str(j, "head_encoding", utf8 ? "utf8" : "latin1");
	key_bytes(j, "body", "body_encoding", m->body.data, len, body_utf8);
	json_key_u64(j, "body_size", m->body_size);
	key_bool(j, "body_truncated", m->body_cut);
	json_key_u64(j, "lost_bytes", m->lost_bytes);
	json_model_causes(j, m->gap_causes);
	key_bool(j, "complete", !reason);
	key_c_str(j, "incomplete_reason", reason);
}

static void request(struct json *j, const struct exchange *x)
{
	const struct message *m = &x->request;
	bool utf8 = head_is_utf8(m);

	json_key(j, "request");
	if (!m->present) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	key_head_str(j, "method", m->method, utf8);
	key_head_str(j, "url", str_from(x->url), utf8);
	key_head_str(j, "host", x->host, utf8);
	key_head_str(j, "path", x->path, utf8);
	message_fields(j, m, utf8);
	json_object_end(j);
}

static void response(struct json *j, const struct exchange *x)
{
	const struct message *m = &x->response;
	bool utf8 = head_is_utf8(m);

	json_key(j, "response");
	if (!m->present) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	json_key_u64(j, "status", m->status);
	key_head_str(j, "reason", m->reason, utf8);
	json_key(j, "interim");
	json_array_begin(j);
	for (size_t i = 0; i < x->interim_cnt && i < sizeof(x->interim) / sizeof(*x->interim); i++)
		json_u64(j, x->interim[i]);
	json_array_end(j);
	message_fields(j, m, utf8);
	json_object_end(j);
}

void json_model_exchange(struct json *j, struct json_identities *known, const struct exchange *x)
{
	json_object_begin(j);
	key_c_str(j, "type", "exchange");
	json_key(j, "ts");
	json_time(j, x->begin_ns);
	json_key_u64(j, "duration_ns", x->duration_ns);
	json_identity(j, known, x->conn);
	json_key_u64(j, "number", x->number);
	key_head_str(j, "http", x->request.version.len ? x->request.version : x->response.version,
		     true);
	request(j, x);
	response(j, x);
	json_key_u64(j, "lost_bytes", x->lost_bytes);
	json_object_end(j);
}

void json_model_data(struct json *j, struct json_identities *known, const struct data_piece *d)
{
	json_object_begin(j);
	key_c_str(j, "type", "data");
	json_key(j, "ts");
	json_time(j, d->ts_ns);
	json_identity(j, known, d->conn);
	key_c_str(j, "direction", dir_name(d->dir));
	json_key_u64(j, "offset", d->off);
	json_key_u64(j, "size", d->len);
	key_bytes(j, "data", "data_encoding", d->data, d->len, text_is_utf8(d->data, d->len));
	json_key_u64(j, "lost_bytes", d->lost);
	json_model_causes(j, d->gap_causes);
	json_object_end(j);
}

static void by_cause(struct json *j, const char *key, const uint64_t *counts)
{
	json_key(j, key);
	json_object_begin(j);
	for (unsigned bit = 0; bit < GAP_CAUSE_CNT; bit++)
		json_key_u64(j, gap_cause_name(bit), counts[bit]);
	json_object_end(j);
}

static void early_stages(struct json *j, const struct counters *c)
{
	json_key(j, "kernel");
	json_object_begin(j);
	json_key_u64(j, "calls", c->kernel.calls);
	json_key_u64(j, "bytes_seen", c->kernel.bytes_seen);
	json_key_u64(j, "bytes_sent", c->kernel.bytes_sent);
	by_cause(j, "bytes_dropped", c->kernel.bytes_dropped);
	json_key_u64(j, "ends_dropped", c->kernel.ends_dropped);
	json_key_u64(j, "infos_dropped", c->kernel.infos_dropped);
	json_key_u64(j, "conns_filtered", c->kernel.conns_filtered);
	json_key_u64(j, "records_dropped", c->kernel.records_dropped);
	json_key_u64(j, "states_dropped", c->kernel.states_dropped);
	json_object_end(j);
	json_key(j, "collect");
	json_object_begin(j);
	json_key_u64(j, "records", c->collect.records);
	json_key_u64(j, "bytes", c->collect.bytes);
	json_key_u64(j, "records_invalid", c->collect.records_invalid);
	json_key_u64(j, "bytes_invalid", c->collect.bytes_invalid);
	json_key_u64(j, "bytes_unreadable", c->collect.bytes_unreadable);
	json_object_end(j);
}

static void loading(struct json *j, const struct counters *c)
{
	json_key(j, "load");
	json_object_begin(j);
	json_key_u64(j, "holds", c->load.holds);
	json_key_u64(j, "hold_ns", c->load.hold_ns);
	json_key_u64(j, "holds_in_vain", c->load.holds_in_vain);
	json_object_end(j);
}

static void late_stages(struct json *j, const struct counters *c)
{
	json_key(j, "stream");
	json_object_begin(j);
	json_key_u64(j, "connections", c->stream.connections);
	json_key_u64(j, "connections_closed", c->stream.connections_closed);
	json_key_u64(j, "connections_unaddressed", c->stream.connections_unaddressed);
	json_key_u64(j, "bytes", c->stream.bytes);
	json_key_u64(j, "bytes_refused", c->stream.bytes_refused);
	json_key_u64(j, "conns_filtered", c->stream.conns_filtered);
	json_key_u64(j, "bytes_filtered", c->stream.bytes_filtered);
	json_key_u64(j, "gap_bytes_filtered", c->stream.gap_bytes_filtered);
	json_key_u64(j, "gaps", c->stream.gaps);
	json_key_u64(j, "gap_bytes", c->stream.gap_bytes);
	by_cause(j, "gap_bytes_by", c->stream.gap_bytes_by);
	json_object_end(j);
	json_key(j, "exchange");
	json_object_begin(j);
	json_key_u64(j, "exchanges", c->exchange.exchanges);
	json_key_u64(j, "exchanges_complete", c->exchange.exchanges_complete);
	json_key_u64(j, "data_bytes", c->exchange.data_bytes);
	json_key_u64(j, "no_memory", c->exchange.no_memory);
	json_object_end(j);
	json_key(j, "sink");
	json_object_begin(j);
	json_key_u64(j, "bytes", c->sink.bytes);
	json_key_u64(j, "failures", c->sink.failures);
	json_key_u64(j, "waits", c->sink.waits);
	json_key_u64(j, "wait_ns", c->sink.wait_ns);
	json_key_u64(j, "queue_peak", c->sink.queue_peak);
	json_object_end(j);
}

void json_model_summary(struct json *j, const struct counters *c)
{
	json_object_begin(j);
	key_c_str(j, "type", "summary");
	early_stages(j, c);
	loading(j, c);
	late_stages(j, c);
	json_key_u64(j, "lost_bytes", counters_lost_bytes(c));
	key_bool(j, "balanced", counters_balanced(c));
	json_object_end(j);
}

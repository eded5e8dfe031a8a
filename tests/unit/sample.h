/* SPDX-License-Identifier: BSD-2-Clause */
/* Sample values for the tests of sinks. */
#ifndef PLAINTAP_TESTS_SAMPLE_H
#define PLAINTAP_TESTS_SAMPLE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/connection.h"
#include "model/counters.h"
#include "model/exchange.h"
#include "model/gap.h"
#include "model/process.h"

/* 2026-11-21T06:31:00.123456789Z */
static const uint64_t sample_ts_ns = 1795242660123456789u;

__attribute__((unused)) static struct connection *sample_conn(void)
{
	struct process *p = process_new(4242);
	struct connection *c;

	p->ppid = 1;
	p->uid = 1000;
	snprintf(p->comm, sizeof(p->comm), "curl");
	p->exe = strdup("/usr/bin/curl");
	p->cmdline = strdup("curl https://example.org/a");
	p->started_ns = sample_ts_ns;
	p->ns_pid = 12;
	p->cgroup = strdup("/docker/x");
	p->unit = strdup("web.service");
	p->container.runtime = "docker";
	snprintf(p->container.id, sizeof(p->container.id), "0123");
	c = connection_new(1, p);
	process_unref(p);
	snprintf(c->id, sizeof(c->id), "4242.1");
	c->tid = 4243;
	c->role = CONN_ROLE_CLIENT;
	c->library = strdup("/usr/lib/libssl.so.3");
	c->opened_ns = sample_ts_ns;
	return c;
}

static struct header sample_request_headers[] = {
	{ STR_LIT("Host"), STR_LIT("example.org") },
	{ STR_LIT("Accept"), STR_LIT("*/*") },
};

static struct header sample_response_headers[] = {
	{ STR_LIT("Content-Type"), STR_LIT("application/json") },
};

static void sample_body(struct message *m, const char *data, size_t len)
{
	buf_init(&m->body, 1 << 20);
	buf_append(&m->body, data, len);
	m->body_size = len;
}

/* GET https://example.org/a, 200 with a JSON body. The headers are static: change them freely. */
__attribute__((unused)) static struct exchange *sample_exchange(struct connection *c)
{
	static const char json[] = "{\"ok\":true,\"list\":[1,2]}";
	struct exchange *x = exchange_new(c, 1);
	struct message *q = &x->request, *a = &x->response;

	q->present = a->present = true;
	q->dir = DIR_SENT;
	a->dir = DIR_RECEIVED;
	q->version = a->version = STR_LIT("1.1");
	q->method = STR_LIT("GET");
	q->target = STR_LIT("/a");
	q->headers = sample_request_headers;
	q->header_cnt = 2;
	a->status = 200;
	a->reason = STR_LIT("OK");
	a->headers = sample_response_headers;
	a->header_cnt = 1;
	sample_body(q, "", 0);
	sample_body(a, json, sizeof(json) - 1);
	x->host = STR_LIT("example.org");
	x->path = STR_LIT("/a");
	x->url = strdup("https://example.org/a");
	x->begin_ns = sample_ts_ns;
	x->duration_ns = 34500000;
	return x;
}

/* The file's bytes with a NUL behind; "" when it cannot be read. */
__attribute__((unused)) static char *sample_read(const char *path, size_t *ret_len)
{
	char *data = calloc(1, 1 << 20);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, data, (1 << 20) - 1);

	if (fd >= 0)
		close(fd);
	if (ret_len)
		*ret_len = n > 0 ? (size_t)n : 0;
	return data;
}

#endif

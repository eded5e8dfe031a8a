// SPDX-License-Identifier: BSD-2-Clause
#include "stream_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/process.h"
#include "stream/stream.h"
#include "tap.h"

/* As in the program, only the protocol's own events go to the listener: here the fixture. */
struct proto {
	struct fixture *f;
	const char *name;
};

static void say(struct log *l, const char *text)
{
	buf_append_str(&l->text, text);
	l->may_continue = false;
}

static void say_bytes(struct log *l, const char *name, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	if (!l->may_continue || l->dir != dir || l->next_off != off)
		buf_printf(&l->text, "|%s %s@%llu ", name, dir_name(dir), (unsigned long long)off);
	buf_append(&l->text, data, len);
	l->may_continue = true;
	l->dir = dir;
	l->next_off = off + len;
}

static void say_gap(struct log *l, const char *name, enum dir dir, uint64_t off, uint64_t len,
		    unsigned causes)
{
	char line[128];

	snprintf(line, sizeof(line), "|%s %s@%llu gap %llu causes %u", name, dir_name(dir),
		 (unsigned long long)off, (unsigned long long)len, causes);
	say(l, line);
}

static enum proto_match ab_probe(const uint8_t *data, size_t len)
{
	if (memcmp(data, "AB:", len < 3 ? len : 3))
		return PROTO_NO;
	return len < 3 ? PROTO_MAYBE : PROTO_YES;
}

/* Breaks the rule: it never says anything. */
static enum proto_match undecided_probe(const uint8_t *data, size_t len)
{
	return data[0] == '?' ? PROTO_MAYBE : PROTO_NO;
}

static enum proto_match any_probe(const uint8_t *data, size_t len)
{
	return PROTO_YES;
}

static struct proto *proto_open(const char *name, void *user)
{
	struct proto *p = malloc(sizeof(*p));
	struct fixture *f = user;

	if (!p)
		return NULL;
	*p = (struct proto){ f, name };
	buf_printf(&f->proto.text, "|%s opens", name);
	f->proto.may_continue = false;
	return p;
}

static struct proto *ab_open(const struct message_ops *events, void *user)
{
	return proto_open("ab", user);
}

static struct proto *any_open(const struct message_ops *events, void *user)
{
	return proto_open("any", user);
}

static void proto_feed(struct proto *p, enum dir dir, uint64_t off, const uint8_t *data, size_t len,
		       uint64_t ts_ns)
{
	say_bytes(&p->f->proto, p->name, dir, off, data, len);
}

static void proto_gap(struct proto *p, enum dir dir, uint64_t off, uint64_t len, unsigned causes,
		      uint64_t ts_ns)
{
	say_gap(&p->f->proto, p->name, dir, off, len, causes);
}

static void proto_end(struct proto *p, enum dir dir, bool closed, uint64_t ts_ns)
{
	say(&p->f->proto, dir == DIR_SENT ? "|end sent" : "|end received");
}

static void proto_close(struct proto *p)
{
	if (p)
		say(&p->f->proto, "|closes");
	free(p);
}

#define FAKE_PROTO(name, probe, open)                                            \
	{                                                                        \
		name, probe, open, proto_feed, proto_gap, proto_end, proto_close \
	}

static const struct proto_ops ab = FAKE_PROTO("ab", ab_probe, ab_open);
static const struct proto_ops undecided = FAKE_PROTO("undecided", undecided_probe, ab_open);
static const struct proto_ops any = FAKE_PROTO("any", any_probe, any_open);
static const struct proto_ops *const protos[] = { &ab, &undecided, &any };

static struct process *process_of(void *user, pid_t pid)
{
	return process_new(pid);
}

static const char *library_of(void *user, uint32_t library)
{
	return library == 1 ? "/lib/libssl.so.3" : NULL;
}

static const char *library_version_of(void *user, uint32_t library)
{
	return library == 1 ? "OpenSSL 3.0.17" : NULL;
}

static int conn_open(void *user, struct connection *c, void **ret_listener)
{
	struct fixture *f = user;

	if (f->refuse)
		return -ENOMEM;
	say(&f->tap, "|open ");
	say(&f->tap, c->id);
	*ret_listener = f;
	return 0;
}

static void tap_bytes(void *user, const struct connection *c, enum dir dir, uint64_t off,
		      const uint8_t *data, size_t len)
{
	say_bytes(&((struct fixture *)user)->tap, c->id, dir, off, data, len);
}

static void tap_gap(void *user, const struct connection *c, enum dir dir, uint64_t off,
		    uint64_t len, unsigned causes)
{
	say_gap(&((struct fixture *)user)->tap, c->id, dir, off, len, causes);
}

static void conn_close(void *user, struct connection *c, void *listener)
{
	struct fixture *f = user;

	say(&f->tap, "|close ");
	say(&f->tap, c->id);
	say(&f->tap, " ");
	say(&f->tap, conn_end_name(c->end));
	if (listener != f || !c->closed_ns)
		say(&f->tap, " WRONG");
}

void fixture_start(struct fixture *f, size_t conn_max)
{
	static const struct stream_ops ops = { process_of, library_of, library_version_of,
					       conn_open,  tap_bytes,  tap_gap,
					       conn_close };
	static const struct message_ops messages;
	struct stream_config config = {
		.ops = &ops,
		.user = f,
		.protos = protos,
		.proto_cnt = 3,
		.messages = &messages,
		.counters = &f->counters,
		.conn_max = conn_max,
	};

	memset(f, 0, sizeof(*f));
	buf_init(&f->tap.text, 1 << 16);
	buf_init(&f->proto.text, 1 << 16);
	/* Room beforehand: what fails on order is to be the code under test. */
	buf_reserve(&f->tap.text, 4096);
	buf_reserve(&f->proto.text, 4096);
	f->stream = stream_new(&config);
}

void fixture_stop(struct fixture *f)
{
	stream_free(f->stream);
	f->stream = NULL;
	buf_done(&f->tap.text);
	buf_done(&f->proto.text);
}

const char *log_text(struct log *l)
{
	buf_reserve(&l->text, 1);
	l->text.data[l->text.len] = '\0';
	return (const char *)l->text.data;
}

void fixture_chunk(struct fixture *f, uint64_t key, enum dir dir, uint64_t off, const char *data,
		   size_t len, unsigned causes)
{
	uint8_t *copy = guarded_copy(data, len);
	struct chunk c = {
		.conn_key = key,
		.pid = 100 + (pid_t)(key / 1000),
		.tid = 9,
		.library = 1,
		.dir = dir,
		.off = off,
		.gap_causes = causes,
		.ts_ns = 5,
		.data = copy,
		.len = len,
	};

	stream_chunk(f->stream, &c);
	guarded_free(copy, len);
	f->sent_off[dir] = off + len;
}

/* The next bytes of connection 1. */
void fixture_next(struct fixture *f, enum dir dir, const char *data)
{
	fixture_chunk(f, 1, dir, f->sent_off[dir], data, strlen(data), 0);
}

void fixture_end(struct fixture *f, uint64_t key, uint64_t sent, uint64_t received, unsigned causes)
{
	struct chunk_end e = {
		.conn_key = key,
		.pid = 100 + (pid_t)(key / 1000),
		.end = CONN_END_FREED,
		.total = { sent, received },
		.gap_causes = { causes, causes },
		.ts_ns = 6,
	};

	stream_conn_end(f->stream, &e);
}

void fixture_check(struct fixture *f, const char *want_tap, const char *want_proto)
{
	const char *tap = log_text(&f->tap), *proto = log_text(&f->proto);

	C_STR_EQ(tap, want_tap);
	C_STR_EQ(proto, want_proto);
}

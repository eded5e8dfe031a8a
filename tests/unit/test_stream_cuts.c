// SPDX-License-Identifier: BSD-2-Clause
/* Whole talks, cut in every way: what the protocols hear must not depend on it. */
#include <stdio.h>
#include <string.h>

#include "model/proto.h"
#include "stream_fixture.h"
#include "tap.h"

/* A text in turns, "<" before what is received and ">" before what is sent, "_" for a lost byte. */
struct talk {
	struct fixture *f;
	const char *text;
	const char *want_proto;
	unsigned bad;
	char got[512];
};

static void talk_part(struct talk *t, enum dir *dir, size_t from, size_t to)
{
	while (from < to) {
		size_t len = strcspn(t->text + from, "<>_");

		if (len > to - from)
			len = to - from;
		if (len) {
			fixture_chunk(t->f, 1, *dir, t->f->sent_off[*dir], t->text + from, len, 0);
			from += len;
			continue;
		}
		if (t->text[from] == '_')
			t->f->sent_off[*dir]++;
		else
			*dir = t->text[from] == '>' ? DIR_SENT : DIR_RECEIVED;
		from++;
	}
}

static void talk_cut(void *user, const size_t *cuts, size_t cut_cnt)
{
	size_t at = 0, len;
	struct talk *t = user;
	enum dir dir = DIR_SENT;
	struct fixture f;

	t->f = &f;
	len = strlen(t->text);
	fixture_start(&f, 10);
	for (size_t i = 0; i <= cut_cnt; i++) {
		size_t to = i < cut_cnt ? cuts[i] : len;

		talk_part(t, &dir, at, to);
		at = to;
	}
	fixture_end(&f, 1, f.sent_off[DIR_SENT], f.sent_off[DIR_RECEIVED], 0);
	if (strcmp(log_text(&f.proto), t->want_proto)) {
		t->bad++;
		snprintf(t->got, sizeof(t->got), "%s", log_text(&f.proto));
	}
	fixture_stop(&f);
}

static void talk(const char *text, const char *want_proto)
{
	struct talk t = { .text = text, .want_proto = want_proto };

	for_each_split(strlen(text), talk_cut, &t);
	if (!OK_MSG(!t.bad, "any split of %s", text))
		tap_note("%u splits differ, as: %s, wanted: %s", t.bad, t.got, want_proto);
}

#define ENDS "|end sent|end received|closes"

static void test_any_split_gives_the_same(void)
{
	talk(">AB:1<AB:2>3", "|ab opens|ab sent@0 AB:1|ab received@0 AB:2|ab sent@4 3" ENDS);
	talk(">ABx<1", "|any opens|any sent@0 ABx|any received@0 1" ENDS);
	talk(">A<A>B:<B:", "|ab opens|ab sent@0 AB:|ab received@0 AB:" ENDS);
	talk("<A>AB:", "|ab opens|ab received@0 A|ab sent@0 AB:" ENDS);
}

static void test_late_join(void)
{
	tap_note("after a turn");
	talk(">xAB:<AB:>y",
	     "|any opens|any sent@0 xAB:|closes|ab opens|ab received@0 AB:|ab sent@4 y" ENDS);
	talk(">x<AB>AB:",
	     "|any opens|any sent@0 x|any received@0 AB|closes|ab opens|ab sent@1 AB:" ENDS);
	tap_note("after a gap");
	talk(">xx_AB:1", "|any opens|any sent@0 xx|any sent@2 gap 1 causes 32|closes|ab opens"
			 "|ab sent@3 AB:1" ENDS);
	talk(">x<A_>x", "|any opens|any sent@0 x|any received@0 A|any sent@1 x"
			"|any received@1 gap 1 causes 32" ENDS);
	talk("_<x", "|any opens|any received@0 x|any sent@0 gap 1 causes 32" ENDS);
	tap_note("not in the middle of a turn, and not when it only looks so at first");
	talk(">xAB:yAB:", "|any opens|any sent@0 xAB:yAB:" ENDS);
	talk(">x<ABAB:", "|any opens|any sent@0 x|any received@0 ABAB:" ENDS);
	talk(">x<AB", "|any opens|any sent@0 x|any received@0 AB" ENDS);
}

/* One that asks for more than it may is passed over; nothing is lost. */
static void test_a_protocol_that_never_decides(void)
{
	char text[200], want[300];

	snprintf(text, sizeof(text), "?%0*d", PROTO_PROBE_MAX + 20, 7);
	snprintf(want, sizeof(want), "|any opens|any sent@0 %s" ENDS, text);
	talk(text, want);
}

int main(void)
{
	RUN(test_any_split_gives_the_same);
	RUN(test_late_join);
	RUN(test_a_protocol_that_never_decides);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sink/json_pretty.h"
#include "tap.h"

static int pretty(const char *in, size_t len, struct buf *out, bool *ret_whole)
{
	void *guarded = guarded_copy(in, len);
	struct json_pretty p;
	int r;

	buf_init(out, 1 << 20);
	json_pretty_init(&p, out);
	r = json_pretty_feed(&p, guarded, len);
	*ret_whole = json_pretty_is_whole(&p);
	guarded_free(guarded, len);
	return r;
}

static void check(const char *in, const char *want)
{
	struct buf out;
	bool whole;

	INT_EQ(pretty(in, strlen(in), &out, &whole), 0);
	OK_MSG(whole, "whole: %.*s", (int)strcspn(in, "\n"), in);
	BYTES_EQ(out.data, out.len, want, strlen(want));
	buf_done(&out);
}

static void check_bad(const char *in)
{
	struct buf out;
	bool whole;

	OK_MSG(pretty(in, strlen(in), &out, &whole) == -EINVAL, "refused: %.*s",
	       (int)strcspn(in, "\n"), in);
	buf_done(&out);
}

static void check_part(const char *in, const char *want)
{
	struct buf out;
	bool whole;

	INT_EQ(pretty(in, strlen(in), &out, &whole), 0);
	OK_MSG(!whole, "a beginning only: %s", in);
	BYTES_EQ(out.data, out.len, want, strlen(want));
	buf_done(&out);
}

static void test_shapes(void)
{
	check("{}", "{}");
	check(" [ ] ", "[]");
	check("\"a \\\"{,}\\u00e9\"", "\"a \\\"{,}\\u00e9\"");
	check("-1.50e+3", "-1.50e+3");
	check("{\"a\":1,\"b\":[true,null,{}],\"c\":{\"d\" : \"x\"}}",
	      "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null,\n    {}\n  ],\n"
	      "  \"c\": {\n    \"d\": \"x\"\n  }\n}");
	check("{\"a\":1}\n{\"a\":2}\n", "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}");
}

static void test_no_json(void)
{
	check_bad("{a:1}");
	check_bad("[1,]");
	check_bad("{\"a\":1,}");
	check_bad("{\"a\"}");
	check_bad("[}");
	check_bad("]");
	check_bad("[1 2]");
	check_bad("truefalse");
	check_bad("1{}");
	check_bad("nul!");
	check_bad("\"\n\"");
	check_bad("\"\\x\"");
	check_bad("\"\\u12g4\"");
	check_bad("hello");
}

static void test_beginnings(void)
{
	check_part("", "");
	check_part("{\"a\":[1,\"x", "{\n  \"a\": [\n    1,\n    \"x");
	check_part("tru", "tru");
}

static void test_depth(void)
{
	char deep[JSON_PRETTY_DEPTH_MAX + 1];
	struct buf out;
	bool whole;

	memset(deep, '[', sizeof(deep));
	INT_EQ(pretty(deep, sizeof(deep) - 1, &out, &whole), 0);
	buf_done(&out);
	INT_EQ(pretty(deep, sizeof(deep), &out, &whole), -EINVAL);
	buf_done(&out);
}

static const char split_input[] = "{\"k\\n\" : [1.5,-2,true],\"\\u00ff\":{\"x\":null}} [ ]";

static void feed_cut(void *user, const size_t *cuts, size_t cut_cnt)
{
	struct buf *want = user, out;
	struct json_pretty p;
	size_t from = 0, len = sizeof(split_input) - 1;
	bool good = true;

	buf_init(&out, 4096);
	json_pretty_init(&p, &out);
	for (size_t i = 0; i <= cut_cnt; i++) {
		size_t to = i < cut_cnt ? cuts[i] : len;

		good &= json_pretty_feed(&p, split_input + from, to - from) == 0;
		from = to;
	}
	if (!good || out.len != want->len || memcmp(out.data, want->data, out.len))
		OK_MSG(false, "a split changed the result");
	buf_done(&out);
}

static void test_splits(void)
{
	struct buf want;
	bool whole;

	INT_EQ(pretty(split_input, sizeof(split_input) - 1, &want, &whole), 0);
	OK(whole);
	for_each_split(sizeof(split_input) - 1, feed_cut, &want);
	buf_done(&want);
}

int main(void)
{
	RUN(test_shapes);
	RUN(test_no_json);
	RUN(test_beginnings);
	RUN(test_depth);
	RUN(test_splits);
	return tap_done();
}

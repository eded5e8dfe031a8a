// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "base/json_scan.h"
#include "tap.h"

struct row {
	const char *document;
	const char *keys[4];
	const char *want; /* NULL: nothing is found */
};

static const struct row rows[] = {
	{ "{\"Name\":\"/web\"}", { "Name" }, "/web" },
	{ " {\n\t\"Name\" :\r\n \"\" }", { "Name" }, "" },
	{ "{\"a\":1,\"b\":-2.5e3,\"c\":null,\"d\":true,\"Name\":\"x\"}", { "Name" }, "x" },
	{ "{\"a\":{\"Name\":\"no\"},\"b\":[{\"Name\":\"no\"}],\"Name\":\"x\"}", { "Name" }, "x" },
	{ "{\"a\":\"Name\",\"b\":\"Name\"}", { "Name" }, NULL },
	{ "{\"a\":\"\\\"Name\\\":\\\"no\\\"\",\"Name\":\"x\"}", { "Name" }, "x" },
	{ "{\"a\":\"\\\\\",\"Name\":\"x\"}", { "Name" }, "x" },
	{ "{\"Name\":\"x\\u0041\"}", { "Name" }, NULL },
	{ "{\"Na\\u006de\":\"x\"}", { "Name" }, NULL },
	{ "{\"Name\":{\"Name\":\"x\"}}", { "Name" }, NULL },
	{ "{\"Name\":[\"x\"]}", { "Name" }, NULL },
	{ "{\"Name\":null,\"a\":\"x\"}", { "Name" }, NULL },
	{ "[{\"Name\":\"x\"}]", { "Name" }, NULL },
	{ "\"Name\"", { "Name" }, NULL },
	{ "", { "Name" }, NULL },
	{ "{\"a\":{\"b\":\"x\"}}", { "a", "b" }, "x" },
	{ "{\"z\":{\"b\":\"no\"},\"a\":{\"c\":{\"b\":\"no\"},\"b\":\"x\"}}", { "a", "b" }, "x" },
	{ "{\"a\":{\"c\":1},\"b\":\"no\"}", { "a", "b" }, NULL },
	{ "{\"a\":\"no\",\"b\":\"no\"}", { "a", "b" }, NULL },
	{ "{\"a\":[{\"b\":\"no\"}]}", { "a", "b" }, NULL },
	{ "{\"a\":{\"b\":{\"c\":\"x\"}}}", { "a", "b", "c" }, "x" },
	/* Broken ones. */
	{ "{\"Name\":\"x", { "Name" }, NULL },
	{ "{\"Name\":\"x\\", { "Name" }, NULL },
	{ "}{\"Name\":\"x\"}", { "Name" }, NULL },
};

static void test_find(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		size_t len = strlen(row->document);
		char *text = guarded_copy(row->document, len);
		struct str found = { 0 };
		bool good = json_scan_find(str_make(text, len), row->keys, &found);

		OK_MSG(good == !!row->want && (!good || str_eq(found, str_from(row->want))),
		       "row %zu: \"%.*s\"", i, STR_FMT(found));
		guarded_free(text, len);
	}
}

static void test_any_cut(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t len = 0; len < strlen(rows[i].document); len++) {
			char *text = guarded_copy(rows[i].document, len);
			struct str found = { 0 };
			bool good = json_scan_find(str_make(text, len), rows[i].keys, &found);

			/* Only what stands in front of the cut can be found. */
			if (good && (!rows[i].want || !str_eq(found, str_from(rows[i].want))))
				OK_MSG(false, "row %zu cut at %zu", i, len);
			guarded_free(text, len);
		}
	OK(true);
}

static void test_pieces(void)
{
	static const char document[] = "[{\"a\":[1,\"t\"]},false]";
	static const enum json_piece want[] = {
		JSON_PIECE_OPEN,  JSON_PIECE_OPEN,  JSON_PIECE_KEY,   JSON_PIECE_OPEN,
		JSON_PIECE_OTHER, JSON_PIECE_TEXT,  JSON_PIECE_CLOSE, JSON_PIECE_CLOSE,
		JSON_PIECE_OTHER, JSON_PIECE_CLOSE, JSON_PIECE_END,   JSON_PIECE_END,
	};
	static const unsigned depths[] = { 1, 2, 2, 3, 3, 3, 2, 1, 1, 0, 0, 0 };
	struct json_scan s;

	json_scan_init(&s, str_from(document));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		INT_EQ(json_scan_next(&s), want[i]);
		INT_EQ(s.depth, depths[i]);
	}
}

int main(void)
{
	RUN(test_find);
	RUN(test_any_cut);
	RUN(test_pieces);
	return tap_done();
}

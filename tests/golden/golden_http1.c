// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs the cases of Markdown files. "## name" begins a case; its blocks "sent" and "received" are
 * fed in order, its block "log" holds the expected log: of what was sent, then of what was
 * received. Each case is fed line by line, and byte by byte.
 *
 * In input each line ends in CRLF; "\n" at its end means a lone LF, "\" no line end. A line "\gap
 * N" is N lost bytes, a line "\cut" says that the capture ends before the connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "http1_log.h"
#include "tap.h"

struct golden {
	char name[128];
	bool any;		  /* a case is open */
	bool cut;		  /* the capture ends first */
	struct http1_log logs[2]; /* fed line by line, byte by byte */
	struct buf want;
	char block; /* 's', 'r', 'l', or 0 outside */
};

static void log_ends(struct golden *g, struct http1_log *log)
{
	struct buf got;

	buf_init(&got, 1 << 20);
	http1_log_end(log, !g->cut);
	buf_append_str(&got, http1_log_text(log, DIR_SENT));
	buf_append_str(&got, http1_log_text(log, DIR_RECEIVED));
	BYTES_EQ(got.data, got.len, g->want.data, g->want.len);
	OK_MSG(!log->fault[0], "%s: accounted for %s", g->name, log->fault);
	http1_log_close(log);
	buf_done(&got);
}

static void case_end(struct golden *g)
{
	if (!g->any)
		return;
	log_ends(g, &g->logs[0]);
	log_ends(g, &g->logs[1]);
	buf_done(&g->want);
	g->any = false;
}

static void case_begin(struct golden *g, const char *name)
{
	case_end(g);
	snprintf(g->name, sizeof(g->name), "%.127s", name);
	tap_note("%s", g->name);
	buf_init(&g->want, 1 << 20);
	g->cut = false;
	if (!http1_log_open(&g->logs[0], NULL) || !http1_log_open(&g->logs[1], NULL))
		abort();
	g->any = true;
}

static void feed(struct golden *g, enum dir dir, const char *bytes, size_t len)
{
	http1_log_feed(&g->logs[0], dir, (const uint8_t *)bytes, len);
	for (size_t i = 0; i < len; i++)
		http1_log_feed(&g->logs[1], dir, (const uint8_t *)bytes + i, 1);
}

static void lose(struct golden *g, enum dir dir, const char *count)
{
	uint64_t len;

	if (!OK_MSG(str_to_u64(str_from(count), 10, &len) == 0, "%s: gap %s", g->name, count))
		return;
	http1_log_gap(&g->logs[0], dir, len);
	http1_log_gap(&g->logs[1], dir, len);
}

static void input_line(struct golden *g, enum dir dir, const char *line, size_t len)
{
	const char *end = "\r\n";

	if (strcmp(line, "\\cut") == 0) {
		g->cut = true;
		return;
	}
	if (strncmp(line, "\\gap ", 5) == 0) {
		lose(g, dir, line + 5);
		return;
	}
	if (len >= 2 && memcmp(line + len - 2, "\\n", 2) == 0) {
		end = "\n";
		len -= 2;
	} else if (len && line[len - 1] == '\\') {
		end = "";
		len--;
	}
	feed(g, dir, line, len);
	feed(g, dir, end, strlen(end));
}

static void read_line(struct golden *g, const char *line, size_t len)
{
	if (len >= 3 && memcmp(line, "```", 3) == 0)
		g->block = g->block || len == 3 ? 0 : line[3];
	else if (!g->block && len > 3 && memcmp(line, "## ", 3) == 0)
		case_begin(g, line + 3);
	else if (!g->block || !g->any)
		return;
	else if (g->block == 'l') {
		buf_append(&g->want, line, len);
		buf_append_byte(&g->want, '\n');
	} else
		input_line(g, g->block == 's' ? DIR_SENT : DIR_RECEIVED, line, len);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct golden g = { 0 };
		char line[4096];
		FILE *f = fopen(argv[i], "r");

		if (!OK_MSG(f != NULL, "%s opens", argv[i]))
			continue;
		while (fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			read_line(&g, line, strlen(line));
		}
		fclose(f);
		case_end(&g);
	}
	return tap_done();
}

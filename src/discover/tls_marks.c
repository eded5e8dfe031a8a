// SPDX-License-Identifier: BSD-2-Clause
#include "tls_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

enum { PIECE = 1 << 20, FILE_MAX_BYTES = 512 << 20 };

/* In two parts, so that plaintap's own file has no such mark. */
static const char tls13_head[] = "TLS 1.3, server Certificate", tls13_tail[] = "Verify";

enum version_form {
	FORM_NUMBERS, /* "3.8.2" */
	FORM_DATED,   /* "3.0.15 3 Sep 2024": a text about OpenSSL has no date behind it */
	FORM_GO,      /* as the Go linker writes it: "\x08go1.21.3" in a fixed distance */
	FORM_NONE,
};

/* Most telling first: what wraps another project's library or copies its texts is above it. */
static const struct mark_row {
	const char *text;
	size_t len;
	const char *project;
	enum version_form form;
} rows[] = {
#define ROW(text, project, form)                      \
	{                                             \
		text, sizeof(text) - 1, project, form \
	}
	ROW("\xff Go buildinf:", "Go crypto/tls", FORM_GO),
	ROW("OpenSSL 1.1.1 (compatible; BoringSSL)", "BoringSSL", FORM_NONE),
	ROW("LibreSSL ", "LibreSSL", FORM_NUMBERS),
	ROW("OpenSSL ", "OpenSSL", FORM_DATED),
	ROW("Enabled GnuTLS ", "GnuTLS", FORM_NUMBERS),
	ROW("Mbed TLS ", "Mbed TLS", FORM_NUMBERS),
	ROW("mbed TLS ", "Mbed TLS", FORM_NUMBERS),
	ROW("/rustls-", "rustls", FORM_NUMBERS),
	/* Of a static program that never asks for the version: names of files in messages. */
	ROW("ssl/ssl_lib.cc\0", "BoringSSL", FORM_NONE),
	ROW("ssl/ssl_lib.c\0", "OpenSSL", FORM_NONE),
#undef ROW
};

enum { ROW_CNT = sizeof(rows) / sizeof(rows[0]) };
enum { GO_STRING_AT = 32, GO_FLAGS_AT = 15, GO_INLINE = 2, DATE_MAX = 12 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_version_byte(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '+';
}

/*
 * What a mark turns out to be. A later one must not be taken while an earlier one is not decided:
 * the result would depend on where the file was cut.
 */
enum mark_fate {
	MARK_NO,
	MARK_YES,
	MARK_CUT, /* the piece ends too early; the next one shows it whole */
};

/* "3.0.15" or "1.1.1w" at the beginning. */
static enum mark_fate find_number(struct str rest, struct str *ret)
{
	size_t n = 0, dots = 0;

	while (n < rest.len && n < TLS_VERSION_MAX && is_version_byte(rest.p[n]))
		dots += rest.p[n++] == '.';
	if (n == TLS_VERSION_MAX)
		return MARK_NO;
	if (n == rest.len)
		return MARK_CUT;
	*ret = str_make(rest.p, n);
	return dots && is_digit(rest.p[0]) ? MARK_YES : MARK_NO;
}

/* " 3 Sep 2024" */
static enum mark_fate find_date(struct str rest)
{
	const char *p = rest.p;
	size_t day;

	if (rest.len < DATE_MAX)
		return MARK_CUT;
	day = is_digit(p[2]) ? 2 : 1;
	return p[0] == ' ' && is_digit(p[1]) && p[1 + day] == ' ' && p[2 + day] >= 'A' &&
			       p[2 + day] <= 'Z' && p[5 + day] == ' ' && is_digit(p[6 + day]) &&
			       is_digit(p[9 + day])
		       ? MARK_YES
		       : MARK_NO;
}

static enum mark_fate find_go_version(struct str mark, struct str *ret)
{
	size_t len;

	if (mark.len <= GO_STRING_AT)
		return MARK_CUT;
	/* Older linkers wrote an address there instead. */
	if (!(mark.p[GO_FLAGS_AT] & GO_INLINE))
		return MARK_YES;
	len = (unsigned char)mark.p[GO_STRING_AT];
	if (len >= TLS_VERSION_MAX)
		return MARK_NO;
	if (len > mark.len - GO_STRING_AT - 1)
		return MARK_CUT;
	*ret = str_make(mark.p + GO_STRING_AT + 1, len);
	if (str_starts_with(*ret, STR_LIT("go")))
		*ret = str_make(ret->p + 2, ret->len - 2);
	for (size_t i = 0; i < ret->len; i++)
		if (!is_version_byte(ret->p[i]))
			ret->len = i;
	return MARK_YES;
}

/* `mark`: from the mark to the end of the piece. *ret stays empty when there is no version. */
static enum mark_fate find_version(const struct mark_row *row, struct str mark, struct str *ret)
{
	struct str rest = str_make(mark.p + row->len, mark.len - row->len);
	enum mark_fate fate = MARK_YES;

	*ret = str_make(mark.p, 0);
	switch (row->form) {
	case FORM_NONE:
		break;
	case FORM_GO:
		fate = find_go_version(mark, ret);
		break;
	case FORM_NUMBERS:
		fate = find_number(rest, ret);
		break;
	case FORM_DATED:
		fate = find_number(rest, ret);
		if (fate == MARK_YES)
			fate = find_date(str_make(rest.p + ret->len, rest.len - ret->len));
		break;
	}
	return fate;
}

static void look_for_row(struct tls_marks *m, unsigned at, const char *bytes, size_t len)
{
	const struct mark_row *row = &rows[at];
	const char *end = bytes + len, *hit = bytes;
	enum mark_fate fate = MARK_NO;
	struct str version;

	while (fate == MARK_NO && (hit = memmem(hit, (size_t)(end - hit), row->text, row->len))) {
		fate = find_version(row, str_make(hit, (size_t)(end - hit)), &version);
		hit += row->len;
	}
	if (fate != MARK_YES)
		return;
	m->project = row->project;
	m->rank = ROW_CNT - at;
	memcpy(m->version, version.p, version.len);
	m->version[version.len] = '\0';
}

static void look_for_tls(struct tls_marks *m, const char *bytes, size_t len)
{
	const size_t head = sizeof(tls13_head) - 1, tail = sizeof(tls13_tail) - 1;
	const char *end = bytes + len, *hit = bytes;

	while (!m->has_tls && (hit = memmem(hit, (size_t)(end - hit), tls13_head, head))) {
		hit += head;
		if ((size_t)(end - hit) >= tail && !memcmp(hit, tls13_tail, tail))
			m->has_tls = true;
	}
}

static void look_for_project(struct tls_marks *m, const char *bytes, size_t len)
{
	for (unsigned i = 0; i < ROW_CNT && ROW_CNT - i > m->rank; i++)
		look_for_row(m, i, bytes, len);
}

void tls_marks_look(struct tls_marks *m, const void *bytes, size_t len)
{
	look_for_tls(m, bytes, len);
	look_for_project(m, bytes, len);
}

typedef void (*look_fn)(struct tls_marks *m, const char *bytes, size_t len);

static int read_pieces(int fd, char *piece, look_fn look, struct tls_marks *m, bool *done)
{
	size_t kept = 0;

	for (off_t at = 0; at < FILE_MAX_BYTES && !(done && *done);) {
		ssize_t n = pread(fd, piece + kept, PIECE - kept, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += n;
		kept += (size_t)n;
		look(m, piece, kept);
		if (kept > TLS_MARKS_OVERLAP) {
			memmove(piece, piece + kept - TLS_MARKS_OVERLAP, TLS_MARKS_OVERLAP);
			kept = TLS_MARKS_OVERLAP;
		}
	}
	return 0;
}

int tls_marks_read(int fd, bool want_version, struct tls_marks *ret)
{
	CLEANUP_FREE char *piece = malloc(PIECE);
	struct tls_marks m = { 0 };
	int r;

	if (!piece)
		return -ENOMEM;
	r = read_pieces(fd, piece, look_for_tls, &m, &m.has_tls);
	/* Most files have no TLS and are done with by now. */
	if (!r && (m.has_tls || want_version))
		r = read_pieces(fd, piece, look_for_project, &m, NULL);
	if (!r)
		*ret = m;
	return r;
}

// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "discover/tls_marks.h"
#include "tap.h"

#define TLS13	"TLS 1.3, server CertificateVerify"
#define GO_HEAD "\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

struct row {
	const char *bytes;
	size_t len;
	bool has_tls;
	const char *project, *version; /* NULL: none */
};

#define ROW(text, ...)                              \
	{                                           \
		text, sizeof(text) - 1, __VA_ARGS__ \
	}

static const struct row rows[] = {
	ROW("x" TLS13 "\0", true, NULL, ""),
	ROW("TLS 1.3, server CertificateVerifx", false, NULL, ""),
	ROW("TLS 1.3, client CertificateVerify", false, NULL, ""),
	ROW("\0OpenSSL 3.0.19 27 Jan 2026\0", false, "OpenSSL", "3.0.19"),
	ROW(TLS13 "\0OpenSSL 1.1.1w  11 Sep 2023\0", true, NULL, ""),
	ROW("OpenSSL 1.1.1w 11 Sep 2023\0", false, "OpenSSL", "1.1.1w"),
	ROW("OpenSSL 3.5.4 3 Sep 2025\0", false, "OpenSSL", "3.5.4"),
	/* A text about it is none of its own. */
	ROW("enable OpenSSL 3.0 legacy provider\0", false, NULL, ""),
	ROW("built with OpenSSL %s\0OpenSSL 3.0.22 25 Aug 2026\0", false, "OpenSSL", "3.0.22"),
	ROW("OpenSSL 1.1.1 (compatible; BoringSSL)\0", false, "BoringSSL", ""),
	ROW("OpenSSL 3.0.1 4 May 2026\0LibreSSL 3.8.2\0", false, "LibreSSL", "3.8.2"),
	ROW("Enabled GnuTLS 3.7.9 logging...\0", false, "GnuTLS", "3.7.9"),
	ROW("Enabled GnuTLS %s logging...\0", false, NULL, ""),
	ROW("/rustls-0.23.5/src/conn.rs", false, "rustls", "0.23.5"),
	ROW("mbed TLS 2.28.3\0", false, "Mbed TLS", "2.28.3"),
	ROW(GO_HEAD "\x08go1.22.3\x03mod\0", false, "Go crypto/tls", "1.22.3"),
	ROW("../ssl/ssl_lib.c\0", false, "OpenSSL", ""),
	ROW("ssl/ssl_lib.cc\0", false, "BoringSSL", ""),
	ROW("ssl/ssl_lib.cpp\0", false, NULL, ""),
	/* Before Go 1.18 there is an address. */
	ROW("\xff Go buildinf:\x08\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", false, "Go crypto/tls",
	    ""),
	ROW(GO_HEAD "\xffgo", false, NULL, ""),
	ROW("", false, NULL, ""),
};

static void check_row(const struct tls_marks *m, const struct row *row, size_t i)
{
	OK_MSG(m->has_tls == row->has_tls, "row %zu: has TLS", i);
	OK_MSG(!m->project == !row->project && (!row->project || !strcmp(m->project, row->project)),
	       "row %zu: project %s", i, m->project ? m->project : "none");
	OK_MSG(!strcmp(m->version, row->version), "row %zu: version '%s'", i, m->version);
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *copy = guarded_copy(rows[i].bytes, rows[i].len);
		struct tls_marks m = { 0 };

		tls_marks_look(&m, copy, rows[i].len);
		check_row(&m, &rows[i], i);
		guarded_free(copy, rows[i].len);
	}
}

/* What is cut off is never taken for a shorter version. */
static void check_any_cut(const char *text, size_t size, const char *want)
{
	for (size_t len = 0; len <= size; len++) {
		char *copy = guarded_copy(text, len);
		struct tls_marks m = { 0 };

		tls_marks_look(&m, copy, len);
		OK_MSG(!m.version[0] || !strcmp(m.version, want), "%zu bytes: '%s'", len,
		       m.version);
		if (len == size)
			C_STR_EQ(m.version, want);
		guarded_free(copy, len);
	}
}

static void test_any_cut(void)
{
	static const char openssl[] = "OpenSSL 3.0.19 27 Jan 2026",
			  gnutls[] = "Enabled GnuTLS 3.7.99 ";
	static const char go[] = GO_HEAD "\x09go1.22.13";

	check_any_cut(openssl, sizeof(openssl), "3.0.19");
	check_any_cut(gnutls, sizeof(gnutls), "3.7.99");
	check_any_cut(go, sizeof(go), "1.22.13");
}

/* Marks at every place around the border of two pieces that are read. */
static void test_file(void)
{
	static const char text[] = "\0" TLS13 "\0OpenSSL 3.0.19 27 Jan 2026\0";
	char path[] = "/tmp/plaintap-marks-XXXXXX";
	const size_t border = 1 << 20;
	int fd = mkstemp(path);

	unlink(path);
	for (size_t back = 0; back <= sizeof(text) + 2; back++) {
		struct tls_marks m;

		if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)border + 4096) < 0 ||
		    pwrite(fd, text, sizeof(text), (off_t)(border - back)) < 0)
			OK_MSG(false, "the file is written");
		INT_EQ(tls_marks_read(fd, false, &m), 0);
		OK_MSG(m.has_tls && !strcmp(m.version, "3.0.19"), "%zu bytes before", back);
	}
	close(fd);
}

static void test_version_only_where_wanted(void)
{
	static const char text[] = "\0OpenSSL 3.0.19 27 Jan 2026\0";
	char path[] = "/tmp/plaintap-marks-XXXXXX";
	int fd = mkstemp(path);
	struct tls_marks m;

	unlink(path);
	OK(write(fd, text, sizeof(text)) == sizeof(text));
	INT_EQ(tls_marks_read(fd, false, &m), 0);
	OK(!m.project && !m.has_tls);
	INT_EQ(tls_marks_read(fd, true, &m), 0);
	C_STR_EQ(m.version, "3.0.19");
	close(fd);
	OK(tls_marks_read(-1, true, &m) < 0);
}

int main(void)
{
	RUN(test_rows);
	RUN(test_any_cut);
	RUN(test_file);
	RUN(test_version_only_where_wanted);
	return tap_done();
}

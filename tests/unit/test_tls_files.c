// SPDX-License-Identifier: BSD-2-Clause
/* In a made-up /proc, with made-up files. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/tls_files.h"
#include "tap.h"

#define TLS13 "\0TLS 1.3, server CertificateVerify\0"

static char root[PATH_MAX];

static void write_file(const char *name, const void *bytes, size_t len)
{
	char path[PATH_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "we");
	OK_MSG(f && fwrite(bytes, 1, len, f) == len, "%s is written", name);
	if (f)
		fclose(f);
}

static void begin(void)
{
	char path[PATH_MAX + 64];

	snprintf(root, sizeof(root), "/tmp/plaintap-files-XXXXXX");
	OK(mkdtemp(root) != NULL);
	snprintf(path, sizeof(path), "%s/7", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/7/root", root);
	OK(symlink("/", path) == 0);
}

static void end(void)
{
	static const char *const names[] = { "7/root",	    "7/maps",	   "libgnutls.so.30",
					     "libnspr4.so", "libssl.so.3", "prog",
					     "libplain.so", "7",	   "" };
	char path[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
}

/* Maps of process 7, each file once, executable. */
static void write_maps(const char *const *names, size_t cnt)
{
	char text[8192] = "", path[PATH_MAX + 64];
	struct stat st = { 0 };

	for (size_t i = 0; i < cnt; i++) {
		size_t at = strlen(text);

		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		stat(path, &st);
		snprintf(text + at, sizeof(text) - at, "%zx-%zx r-xp 00000000 00:01 %llu %s\n",
			 (i + 1) << 16, ((i + 1) << 16) + 4096, (unsigned long long)st.st_ino,
			 path);
	}
	write_file("7/maps", text, strlen(text));
}

static const struct tls_use *use_of(const struct tls_uses *u, const char *name)
{
	for (size_t i = 0; i < u->cnt; i++)
		if (strstr(u->items[i].file->path, name))
			return &u->items[i];
	return NULL;
}

static void check_uses(const struct tls_uses *u)
{
	const struct tls_use *use = use_of(u, "libgnutls");

	INT_EQ(u->cnt, 3);
	OK(use && use->file->support == TLS_SUPPORT_NOT_KNOWN);
	OK(use && !strcmp(use->file->project, "GnuTLS") && !strcmp(use->version, "3.7.9"));
	use = use_of(u, "libssl");
	OK(use && use->file->support == TLS_SUPPORT_UNREADABLE && !use->file->target);
	OK(use && strstr(use->file->problem, "ELF"));
	use = use_of(u, "prog");
	OK(use && use->file->support == TLS_SUPPORT_BUILT_IN);
	OK(use && !strcmp(use->file->project, "OpenSSL") && !strcmp(use->version, "3.0.19"));
}

static void test_kinds(void)
{
	static const char *const names[] = { "prog", "libgnutls.so.30", "libnspr4.so",
					     "libssl.so.3", "libplain.so" };
	static const char gnutls[] = TLS13 "Enabled GnuTLS 3.7.9 logging";
	static const char built_in[] = TLS13 "OpenSSL 3.0.19 27 Jan 2026\0";
	struct tls_file_cache cache;
	struct tls_uses uses;
	struct error err;

	begin();
	write_file("libgnutls.so.30", gnutls, sizeof(gnutls));
	write_file("libnspr4.so", "x", 1);
	write_file("libssl.so.3", "x", 1);
	write_file("prog", built_in, sizeof(built_in));
	/* Version texts alone are no TLS: programs repeat that of what they were built with. */
	write_file("libplain.so", built_in + sizeof(TLS13) - 1, sizeof(built_in) - sizeof(TLS13));
	write_maps(names, 5);
	tls_file_cache_init(&cache);
	INT_EQ(tls_files_of(&cache, root, 7, &uses, &err), 0);
	check_uses(&uses);
	INT_EQ(uses.unreadable_cnt, 0);
	INT_EQ(cache.cnt, 5);
	/* A second process costs no second look. */
	INT_EQ(tls_files_of(&cache, root, 7, &uses, &err), 0);
	INT_EQ(cache.cnt, 5);
	check_uses(&uses);
	tls_file_cache_done(&cache);
	end();
}

static void test_replaced_file(void)
{
	static const char *const names[] = { "prog" };
	struct tls_file_cache cache;
	struct tls_uses uses;

	begin();
	write_file("prog", "x", 1);
	write_maps(names, 1);
	/* Another inode of that name, while the first one is still there. */
	write_file("libplain.so", "y", 1);
	{
		char from[PATH_MAX + 64], to[PATH_MAX + 64];

		snprintf(from, sizeof(from), "%s/libplain.so", root);
		snprintf(to, sizeof(to), "%s/prog", root);
		OK(rename(from, to) == 0);
	}
	tls_file_cache_init(&cache);
	INT_EQ(tls_files_of(&cache, root, 7, &uses, NULL), 0);
	INT_EQ(uses.unreadable_cnt, 1);
	INT_EQ(uses.cnt, 0);
	tls_file_cache_done(&cache);
	end();
}

static void test_no_process(void)
{
	struct tls_file_cache cache;
	struct tls_uses uses;
	struct error err = { 0 };

	begin();
	tls_file_cache_init(&cache);
	INT_EQ(tls_files_of(&cache, root, 8, &uses, &err), -ESRCH);
	OK(strstr(err.text, "no process 8") != NULL);
	write_file("7/maps", "", 0);
	INT_EQ(tls_files_of(&cache, root, 7, &uses, &err), 0);
	OK(uses.maps_nothing && !uses.cnt);
	write_file("7/maps", "nonsense\n", 9);
	INT_EQ(tls_files_of(&cache, root, 7, &uses, &err), 0);
	OK(!uses.maps_nothing && !uses.cnt);
	tls_file_cache_done(&cache);
	end();
}

int main(void)
{
	RUN(test_kinds);
	RUN(test_replaced_file);
	RUN(test_no_process);
	return tap_done();
}

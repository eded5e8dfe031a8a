/* SPDX-License-Identifier: BSD-2-Clause */
#include "tls_library.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "discover/accessors.h"
#include "discover/code.h"
#include "discover/crypto_library.h"
#include "discover/elf_code.h"
#include "discover/elf_file.h"
#include "discover/library_version.h"
#include "discover/open_file.h"
#include "discover/placement.h"
#include "discover/target_list.h"
#include "model/target.h"

enum presence {
	OPTIONAL,
	REQUIRED,
	PEEK, /* not probed: reads without taking, and must not share the worker of the readers */
};

struct probe_row {
	const char *symbol;
	enum probe_role role;
	enum probe_len len_from;
	enum presence presence;
};

enum { TABLE_MAX = 14 };

struct library_row {
	enum target_kind kind;
	const char *patterns[8]; /* of file names, fnmatch(3) */
	struct probe_row probes[TABLE_MAX];
};

static const struct library_row library_rows[] = {
	{
		/* Also LibreSSL's and BoringSSL's shared libssl: the same functions. */
		.kind = TARGET_OPENSSL,
		/* The last one is what Python wheels carry: a hash in the name. */
		.patterns = { "libssl.so", "libssl.so.*", "libssl-*.so*" },
		.probes = {
			{ "SSL_read", PROBE_READ, PROBE_LEN_RESULT, REQUIRED },
			{ "SSL_write", PROBE_WRITE, PROBE_LEN_RESULT, REQUIRED },
			/* Since OpenSSL 1.1.1. */
			{ "SSL_read_ex", PROBE_READ, PROBE_LEN_AT_ARG3, OPTIONAL },
			{ "SSL_write_ex", PROBE_WRITE, PROBE_LEN_AT_ARG3, OPTIONAL },
			/* Since OpenSSL 3.3. */
			{ "SSL_write_ex2", PROBE_WRITE, PROBE_LEN_AT_ARG4, OPTIONAL },
			/* Since OpenSSL 3.0. */
			{ "SSL_sendfile", PROBE_SENDFILE, PROBE_LEN_RESULT, OPTIONAL },
			{ "SSL_free", PROBE_FREE, PROBE_LEN_NONE, OPTIONAL },
			{ "SSL_clear", PROBE_CLEAR, PROBE_LEN_NONE, OPTIONAL },
			{ "SSL_set_shutdown", PROBE_SHUTDOWN, PROBE_LEN_NONE, OPTIONAL },
			{ "SSL_set_bio", PROBE_SET_BIO, PROBE_LEN_NONE, OPTIONAL },
			{ "SSL_set0_rbio", PROBE_SET_BIO, PROBE_LEN_NONE, OPTIONAL },
			{ "SSL_peek", PROBE_READ, PROBE_LEN_RESULT, PEEK },
			{ "SSL_peek_ex", PROBE_READ, PROBE_LEN_AT_ARG3, PEEK },
		},
	},
};

static const struct {
	const char *pattern;
	const char *project;
} unsupported_rows[] = {
	{ "libgnutls.so*", "GnuTLS" },
	{ "libgnutls-*.so*", "GnuTLS" },
	{ "libnspr4.so*", "NSS" },
	{ "libnss3.so*", "NSS" },
	{ "libssl3.so*", "NSS" },
	{ "libmbedtls.so*", "Mbed TLS" },
	{ "libwolfssl.so*", "wolfSSL" },
	{ "libs2n.so*", "s2n-tls" },
	{ "librustls.so*", "rustls" },
	{ "libbearssl.so*", "BearSSL" },
	{ "libtls.so*", "LibreSSL's libtls" },
};

#define ROW_CNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct library_row *row_of(const char *path)
{
	const char *name = path_base(path);

	for (size_t i = 0; i < ROW_CNT(library_rows); i++) {
		for (size_t k = 0; k < ROW_CNT(library_rows[i].patterns); k++) {
			const char *pattern = library_rows[i].patterns[k];

			if (pattern && fnmatch(pattern, name, 0) == 0)
				return &library_rows[i];
		}
	}
	return NULL;
}

bool tls_library_name_matches(const char *path)
{
	return row_of(path) != NULL;
}

const char *tls_library_names(void)
{
	return "libssl.so*, libssl-*.so*";
}

const char *tls_library_unsupported(const char *path)
{
	const char *name = path_base(path);

	for (size_t i = 0; i < ROW_CNT(unsupported_rows); i++) {
		if (fnmatch(unsupported_rows[i].pattern, name, 0) == 0)
			return unsupported_rows[i].project;
	}
	return NULL;
}

static int place_points(struct elf_file *elf, const struct placement_question *q, bool plain,
			struct target *t)
{
	struct code *code;
	int r = elf_code_open(elf, &code);

	if (r < 0)
		return r;
	r = plain ? placement_choose_plain(code, q, t) : placement_choose(code, q, t);
	code_close(code);
	return r;
}

/* The functions that are there. */
static int find_functions(struct elf_file *elf, const char *path, const struct library_row *row,
			  struct placement_question *q, struct error *err)
{
	struct elf_function functions[TABLE_MAX] = {};
	size_t cnt = 0;
	int r;

	while (cnt < TABLE_MAX && row->probes[cnt].symbol) {
		functions[cnt].name = row->probes[cnt].symbol;
		cnt++;
	}
	r = elf_file_find_functions(elf, functions, cnt, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < cnt; i++) {
		const struct probe_row *probe = &row->probes[i];
		struct placement_function f = { probe->symbol, functions[i].vaddr,
						functions[i].size, probe->role, probe->len_from };

		if (!functions[i].found && probe->presence == REQUIRED)
			return error_set(err, -ENOENT, "%s exports no function %s, as %s does",
					 path, probe->symbol, target_kind_name(row->kind));
		if (!functions[i].found)
			continue;
		if (probe->presence == PEEK)
			q->peeks[q->peek_cnt++] = f;
		else
			q->functions[q->cnt++] = f;
	}
	return 0;
}

static int find_points(struct elf_file *elf, const char *path, const struct library_row *row,
		       bool plain, struct target *t, struct error *err)
{
	struct placement_question q = { .cnt = 0 };
	int r = find_functions(elf, path, row, &q, err);

	if (r < 0)
		return r;
	r = place_points(elf, &q, plain, t);
	return r < 0 ? error_set_errno(err, r, "cannot read the code of %s", path) : 0;
}

/* Where its objects keep what tells who is talking, as far as this file says. */
static void read_layout(struct elf_file *elf, struct target *t)
{
	const char *name;

	accessors_init(&t->layout);
	accessors_read_file(elf, &t->layout);
	for (size_t i = 0; (name = elf_file_needed(elf, i)); i++)
		if (crypto_library_name_matches(name) && strlen(name) < sizeof(t->crypto))
			snprintf(t->crypto, sizeof(t->crypto), "%s", name);
}

int tls_library_examine(int fd, const char *path, unsigned flags, struct target **ret,
			struct error *ret_error)
{
	const struct library_row *row = flags & TLS_LIBRARY_PROGRAM ? library_rows : row_of(path);
	struct elf_file *elf = NULL;
	struct target *t = NULL;
	struct stat st;
	int r;

	if (!row)
		return error_set(ret_error, -ENOENT, "%s is not a TLS library that plaintap knows",
				 path);
	if (flags & TLS_LIBRARY_FOREIGN)
		r = elf_file_open_foreign(fd, path, &elf, ret_error);
	else
		r = elf_file_open(fd, path, &elf, ret_error);
	if (r < 0)
		return r;
	t = target_new(row->kind, path);
	if (!t) {
		r = error_set_errno(ret_error, -ENOMEM, "cannot read %s", path);
		goto out;
	}
	r = find_points(elf, path, row, flags & TLS_LIBRARY_PLAIN, t, ret_error);
	if (r < 0)
		goto out;
	read_layout(elf, t);
	t->wants_version = flags & TLS_LIBRARY_PROGRAM;
	t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (t->fd < 0 || fstat(t->fd, &st) < 0) {
		r = error_set_errno(ret_error, -errno, "cannot keep %s open", path);
		goto out;
	}
	t->dev = st.st_dev;
	t->ino = st.st_ino;
	*ret = t;
	t = NULL;
out:
	target_free(t);
	elf_file_free(elf);
	return r;
}

static int collect(int fd, const char *path, unsigned flags, struct target_list *list,
		   struct error *ret_error)
{
	struct target *t;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return error_set_errno(ret_error, -errno, "cannot read %s", path);
	if (target_list_find(list, st.st_dev, st.st_ino))
		return 0;
	r = tls_library_examine(fd, path, flags | (list->plain ? TLS_LIBRARY_PLAIN : 0), &t,
				ret_error);
	if (r < 0)
		return r;
	r = target_list_add(list, t);
	if (r < 0) {
		target_free(t);
		return error_set_errno(ret_error, r, "cannot add %s to the files to probe", path);
	}
	return r;
}

int tls_library_collect(int fd, const char *path, struct target_list *list, struct error *ret_error)
{
	return collect(fd, path, 0, list, ret_error);
}

int tls_library_collect_program(int fd, const char *path, struct target_list *list,
				struct error *ret_error)
{
	return collect(fd, path, TLS_LIBRARY_PROGRAM, list, ret_error);
}

void tls_library_read_version(struct target *t)
{
	if (t->wants_version)
		library_version_read(t->fd, t->version);
	t->wants_version = false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every TLS implementation that a process has mapped, those that plaintap cannot probe included:
 * which one, which version, and why not. A file is examined once, however many processes map it.
 */
#ifndef PLAINTAP_DISCOVER_TLS_FILES_H
#define PLAINTAP_DISCOVER_TLS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "discover/elf_file.h"
#include "discover/target_list.h"
#include "discover/tls_marks.h"

struct target;

enum tls_support {
	TLS_SUPPORT_NONE,	/* the file has no TLS */
	TLS_SUPPORT_PROBED,	/* plaintap can probe it */
	TLS_SUPPORT_NOT_KNOWN,	/* a library that plaintap cannot look into yet */
	TLS_SUPPORT_BUILT_IN,	/* part of another library, or of a program */
	TLS_SUPPORT_UNREADABLE, /* called like a library that plaintap knows, but refused */
};

struct tls_file {
	dev_t dev;
	ino_t ino;
	char *path; /* as a process maps it, owned */
	enum tls_support support;
	const char *project;			 /* "OpenSSL", static; NULL: not known */
	char version[TLS_VERSION_MAX];		 /* "" unknown */
	char build_id[2 * ELF_BUILD_ID_MAX + 1]; /* hexadecimal; "" none */
	bool is_static;				 /* it is a program, linked statically */
	const struct target *target;		 /* TLS_SUPPORT_PROBED; borrowed from the cache */
	char problem[sizeof(
		((struct error *)0)->text)]; /* TLS_SUPPORT_UNREADABLE: why, a sentence */
};

/* Files that were looked at. They stay at their address until _done(). */
struct tls_file_cache {
	struct tls_file **items; /* owned */
	size_t cnt, cap;
	struct target_list targets;
};

void tls_file_cache_init(struct tls_file_cache *c);
void tls_file_cache_done(struct tls_file_cache *c);

enum { TLS_USE_MAX = 16 };

struct tls_use {
	const struct tls_file *file;   /* borrowed from the cache */
	char version[TLS_VERSION_MAX]; /* the file's, or that of the libcrypto beside it */
};

struct tls_uses {
	struct tls_use items[TLS_USE_MAX];
	size_t cnt;
	size_t unreadable_cnt; /* mapped files that could not be opened */
	bool is_static;	       /* the program is linked statically */
	bool maps_nothing;     /* a kernel thread, or it has ended */
};

/* -ESRCH: no such process; -EACCES, -EPERM: not ours to look at; -ENOMEM. */
int tls_files_of(struct tls_file_cache *c, const char *proc_root, pid_t pid, struct tls_uses *ret,
		 struct error *ret_error);

/* One file, as `path`. NULL without memory, or when it cannot be read. Borrowed from the cache. */
const struct tls_file *tls_file_look(struct tls_file_cache *c, int fd, const char *path);

#endif

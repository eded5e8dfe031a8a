/* SPDX-License-Identifier: BSD-2-Clause */
/* The TLS libraries that plaintap knows: how their files are called, and what to probe in them. */
#ifndef PLAINTAP_DISCOVER_TLS_LIBRARY_H
#define PLAINTAP_DISCOVER_TLS_LIBRARY_H

#include <stdbool.h>

#include "base/error.h"

struct target;
struct target_list;

/* Is a file of this name (or path) one of a known TLS library? */
bool tls_library_name_matches(const char *path);

/* What to look for, for people: "libssl.so*, libssl-*.so*". Static storage. */
const char *tls_library_names(void);

/*
 * The project behind a TLS library's file name that plaintap cannot look into yet ("GnuTLS" for
 * libgnutls.so.30), or NULL. Static storage.
 */
const char *tls_library_unsupported(const char *path);

enum tls_library_flags {
	TLS_LIBRARY_PLAIN = 1,	 /* probe exported functions at their start, whatever it costs */
	TLS_LIBRARY_FOREIGN = 2, /* also files of other machines: to look at, not to probe */
	TLS_LIBRARY_PROGRAM = 4, /* a program, of any name, that has the library inside */
};

/*
 * Makes a target of an open file, with id 0 and a descriptor of its own. `path` names it for
 * people, and its last component tells the kind. -ENOENT: not a TLS library that is known, or it
 * lacks a function without which nothing can be shown; otherwise as elf_file_open(). `flags`: set
 * of enum tls_library_flags.
 */
int tls_library_examine(int fd, const char *path, unsigned flags, struct target **ret,
			struct error *ret_error);

/* Reads what was put off, if it was: a hundred megabytes take 20 ms. */
void tls_library_read_version(struct target *t);

/*
 * Examines an open file unless it is in the list, and adds it. 1: added, 0: it was there;
 * otherwise as above, and -ENOSPC from the list.
 */
int tls_library_collect(int fd, const char *path, struct target_list *list,
			struct error *ret_error);
/*
 * The same of a program's file, which may have a library inside. 1, 0 as above; -ENOENT: it has
 * none, or its symbols do not tell.
 */
int tls_library_collect_program(int fd, const char *path, struct target_list *list,
				struct error *ret_error);

#endif

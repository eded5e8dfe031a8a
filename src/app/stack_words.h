/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be said of a TLS implementation that was found: its name, and how it is probed. */
#ifndef PLAINTAP_APP_STACK_WORDS_H
#define PLAINTAP_APP_STACK_WORDS_H

#include <stdbool.h>

struct tls_file;

struct stack_words {
	char path[256];
	char name[64];	  /* "OpenSSL 3.0.15", "TLS" when nothing more is known */
	char project[32]; /* "OpenSSL"; "" not known */
	char version[32]; /* "" not known */
	bool is_probed;
	char how[640];	  /* "9 probes: read, write, …", or why there are none */
	char advice[200]; /* what to do about it; "" nothing */
};

/* `version`: what is known in this process, perhaps more than the file tells. */
void stack_words(const struct tls_file *f, const char *version, struct stack_words *ret);
/* Of a library known only by its name, which is of one that plaintap cannot look into. */
void stack_words_of_unsupported(const char *file_name, const char *project,
				struct stack_words *ret);

#endif

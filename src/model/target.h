/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file whose functions are to be probed: what `discover` finds and `attach` uses.
 */
#ifndef PLAINTAP_MODEL_TARGET_H
#define PLAINTAP_MODEL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/tls_layout.h"

/* What a call through a probed function means. Values cross to the kernel side: append only. */
enum probe_role {
	PROBE_READ = 1,	 /* plaintext arrives in arg 1 */
	PROBE_WRITE = 2, /* plaintext leaves from arg 1 */
	PROBE_FREE = 3,	 /* the connection object (arg 0) ends; entry only */
	PROBE_CLEAR = 4, /* it is made ready for another connection; entry only */
	/* Plaintext leaves from the file that is open as descriptor arg 1, from place arg 2 on. */
	PROBE_SENDFILE = 5,
	PROBE_SHUTDOWN = 6, /* how the end is told (arg 1) is set by the program; entry only */
	PROBE_SET_BIO = 7,  /* what it will read its bytes by (arg 1) is set; entry only */
};

/* Where the number of bytes is found on return. Values cross to the kernel side: append only. */
enum probe_len {
	PROBE_LEN_NONE = 0,    /* no bytes: those of entry only */
	PROBE_LEN_RESULT = 1,  /* the result, > 0 */
	PROBE_LEN_AT_ARG3 = 2, /* result 1: *(size_t *)arg3 */
	PROBE_LEN_AT_ARG4 = 3, /* result 1: *(size_t *)arg4 */
};

enum target_kind {
	TARGET_OPENSSL,
	TARGET_KIND_CNT,
};

/* What the kernel does to get past the probed instruction; the second is some 30 times dearer. */
enum probe_cost {
	PROBE_COST_UNKNOWN,
	PROBE_COST_EMULATED,
	PROBE_COST_SINGLE_STEPPED,
};

enum {
	TARGET_POINT_MAX = 12,
	PROBE_SYMBOL_MAX = 64,
	PROBE_INSTRUCTION_MAX = 56,
	PROBE_REASON_MAX = 240,
	TARGET_CRYPTO_MAX = 64,
	TARGET_VERSION_MAX = 32,
};

struct probe_point {
	uint64_t file_off; /* of the instruction in the file */
	enum probe_role role;
	enum probe_len len_from;
	enum probe_cost cost;
	bool is_worker;	  /* a function inside the library that the exported ones call */
	unsigned char at; /* bytes behind the function's start: mostly 0 */
	char symbol[PROBE_SYMBOL_MAX]; /* the exported functions it stands for, "SSL_read" */
	char instruction[PROBE_INSTRUCTION_MAX]; /* "push r15" */
	char reason[PROBE_REASON_MAX];		 /* why here, for people */
};

struct target {
	uint32_t id; /* counts from 1 in one run; carried by every record */
	enum target_kind kind;
	char *path; /* as a person knows it, owned */
	int fd;	    /* open for reading, owned: probing goes through it, so it is this very file */
	dev_t dev;
	ino_t ino;
	pid_t user; /* a watched process that uses it; 0: none is known yet */
	struct probe_point points[TARGET_POINT_MAX];
	size_t point_cnt;
	/* What to probe instead if the workers among the points turn out wrong: the exported
	 * functions, for the roles that workers have. */
	struct probe_point fallback[TARGET_POINT_MAX];
	size_t fallback_cnt;
	char crypto[TARGET_CRYPTO_MAX];	  /* "libcrypto.so.3", as it needs it; "": none */
	char version[TARGET_VERSION_MAX]; /* "OpenSSL 3.0.17", as its libcrypto says; "": unknown */
	bool wants_version; /* its own file says it, and has not been asked: it may be large */
	struct tls_layout layout; /* of its objects, and of that library's */
};

/* NULL without memory; fd is -1. */
struct target *target_new(enum target_kind kind, const char *path);
/* NULL is fine. */
void target_free(struct target *t);

/* "read", "write", "free", "clear", "sendfile", "shutdown", "set_bio". */
const char *probe_role_name(enum probe_role role);
/* True for calls that move bytes: those whose return is of interest. */
bool probe_role_moves_bytes(enum probe_role role);
/* "emulated", "single-stepped". */
const char *probe_cost_name(enum probe_cost cost);

/* "OpenSSL". */
const char *target_kind_name(enum target_kind kind);

#endif

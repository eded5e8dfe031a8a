/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of one TLS connection. Passive and reference-counted: an exchange keeps it alive
 * after the stream has ended. Only `stream` writes to it.
 */
#ifndef PLAINTAP_MODEL_CONNECTION_H
#define PLAINTAP_MODEL_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process;

enum conn_role {
	CONN_ROLE_UNKNOWN,
	CONN_ROLE_CLIENT,
	CONN_ROLE_SERVER,
};

enum conn_end {
	CONN_OPEN,
	CONN_END_FREED,	  /* the program freed its connection object */
	CONN_END_PROCESS, /* the process ended or ran another program */
	CONN_END_CAPTURE, /* plaintap ended first */
};

enum conn_notify { CONN_NOTIFY_UNKNOWN, CONN_NOTIFY_NO, CONN_NOTIFY_YES };

enum { CONN_STATUS_EXECUTED = -1 };

/* What is known of how it ended; all 0: nothing. */
struct conn_ending {
	enum conn_notify notify_sent, notify_received; /* TLS's own word of the end */
	bool failed;	  /* the library had given it up, or was in a handshake again */
	bool peer_closed; /* the peer had ended its side of the socket */
	bool broken;	  /* the socket was dead without that */
	bool reset_sent;  /* this side reset it */
	bool cleared;	  /* the object was used again */
	int socket_error; /* errno that it had; ECONNRESET is the peer's doing, unless reset_sent */
	int status;	  /* CONN_END_PROCESS: as wait() gives it, or CONN_STATUS_EXECUTED */
};

struct conn_info;

struct connection {
	unsigned refs;
	uint64_t key;		 /* the kernel side's number, unique in one run */
	char id[32];		 /* "<pid>.<n>", n counts from 1 in each process */
	struct process *process; /* one reference */
	pid_t tid;		 /* thread of the first call */
	enum conn_role role;	 /* as the library says, or else from the first request seen */
	char *local;	   /* "127.0.0.1:80", "[::1]:80", "unix:/path"; owned; NULL: unknown */
	char *remote;	   /* the same */
	char *tls_version; /* "TLS 1.3", owned; NULL: unknown */
	char *tls_cipher;  /* "TLS_AES_128_GCM_SHA256", the same */
	char *sni;	   /* the name that the client asked for, owned; NULL: unknown or none */
	char *alpn;	   /* what was agreed on, "h2", the same */
	char *library;	   /* path of the TLS library, owned; NULL: unknown */
	char *library_version; /* "OpenSSL 3.0.17", owned; NULL: unknown */
	uint32_t library_id;   /* struct target.id; 0: unknown */
	uint64_t opened_ns;    /* wall clock, ns since 1970: first bytes seen */
	uint64_t closed_ns;    /* the same; 0 while open */
	enum conn_end end;
	struct conn_ending ending;
};

/* Takes its own reference on `process`. One reference; NULL without memory. */
struct connection *connection_new(uint64_t key, struct process *process);
struct connection *connection_ref(struct connection *c);
/*
 * Takes over what `info` knows and the connection does not yet. -ENOMEM: some of it may be missing
 * then.
 */
int connection_describe(struct connection *c, const struct conn_info *info);
/* NULL is fine. */
void connection_unref(struct connection *c);

/* "client", "server", or NULL for unknown. */
const char *conn_role_name(enum conn_role role);
/* "open", "freed", "process_ended", "capture_ended". */
const char *conn_end_name(enum conn_end end);
/*
 * How a connection ended, by the best evidence of all: "open", "close_notify", "reset" by the peer,
 * "timeout", "reset_sent", "broken" in a way that is not known, "eof", "error", "process_exited",
 * "process_killed", "process_executed", "replaced", "freed".
 */
const char *conn_how_name(const struct connection *c);

#endif

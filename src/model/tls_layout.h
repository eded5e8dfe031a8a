/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a TLS library keeps what tells who is talking: the ways from its connection object to the
 * socket, read out of the library's own functions. Every place is proven or not known; then there
 * is a reason.
 *
 * From a connection (SSL *) to its socket:
 *
 *	1. if has_type: go on only if the 4 bytes at type_offset of the object are type_value
 *	   (other types are QUIC, whose object has no socket at these places);
 *	2. RBIO (for reads) or WBIO: a BIO *;
 *	3. as long as the BIO's BIO_TYPE has TLS_BIO_FILTER (a buffer, BIO_f_ssl …): BIO_NEXT;
 *	4. if BIO_TYPE has TLS_BIO_DESCRIPTOR, is not TLS_BIO_ACCEPT, and BIO_INIT is not 0: the
 *	   descriptor is BIO_NUM. Before BIO_INIT it says 0, which is somebody else's.
 *
 * TLS_BIO_MEM is a memory BIO, or a program's own method that calls itself so (curl).
 */
#ifndef PLAINTAP_MODEL_TLS_LAYOUT_H
#define PLAINTAP_MODEL_TLS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum tls_field {
	/* Of a connection. */
	TLS_FIELD_RBIO,	       /* BIO * */
	TLS_FIELD_WBIO,	       /* BIO *, may be a filter during the handshake */
	TLS_FIELD_VERSION,     /* int: 0x0303, 0x0304, 0xfefd … */
	TLS_FIELD_IS_SERVER,   /* int */
	TLS_FIELD_ALPN,	       /* const unsigned char *: what was agreed on; NULL: nothing */
	TLS_FIELD_ALPN_LEN,    /* its length, 4 bytes; means nothing when that is NULL */
	TLS_FIELD_CIPHER,      /* const SSL_CIPHER *, in the session; both may be NULL */
	TLS_FIELD_SERVER_NAME, /* const char *: SNI; NULL: none, or TLS_FIELD_SESSION_NAME is it */
	/* Of an SSL_CIPHER. */
	TLS_FIELD_CIPHER_ID, /* its low 16 bits are the number on the wire */
	/* Of a BIO. */
	TLS_FIELD_BIO_TYPE, /* int, in the method */
	TLS_FIELD_BIO_INIT, /* int */
	TLS_FIELD_BIO_NUM,  /* int: the descriptor */
	TLS_FIELD_BIO_NEXT, /* BIO * */
	TLS_FIELD_BIO_DATA, /* void * of the method's own */
	/* Of a connection, 32 bytes each: what the hellos of its two sides have on the wire. */
	TLS_FIELD_CLIENT_RANDOM,
	TLS_FIELD_SERVER_RANDOM,
	/* Of a connection: how it ends. */
	TLS_FIELD_SHUTDOWN,	  /* int, set of enum tls_shutdown */
	TLS_FIELD_QUIET_SHUTDOWN, /* int: not 0: what that says is not what was said to the peer */
	TLS_FIELD_IN_INIT,	  /* int: not 0: in a handshake, or given up after an error */
	/* Of a connection, in the session: const char *, SNI of the handshake that made it. */
	TLS_FIELD_SESSION_NAME,
	TLS_FIELD_CNT,
};

/* Numbers of the library's public interface. */
enum tls_bio_type {
	TLS_BIO_DESCRIPTOR = 0x0100, /* flag: BIO_NUM is one */
	TLS_BIO_FILTER = 0x0200,     /* flag: BIO_NEXT is where the bytes go */
	TLS_BIO_MEM = 0x0401,
	TLS_BIO_PAIR = 0x0413, /* one half of it */
	TLS_BIO_SOCKET = 0x0505,
	TLS_BIO_ACCEPT = 0x050d, /* its descriptor is the one that listens */
};

/* Numbers of the library's public interface. A program may set them itself, sent or not. */
enum tls_shutdown {
	TLS_SHUTDOWN_SENT = 1, /* our close_notify */
	TLS_SHUTDOWN_RECEIVED = 2,
};

enum { TLS_PLACE_STEP_MAX = 2, TLS_PLACE_REASON_MAX = 112 };

/* The value is the `len` bytes at steps[step_cnt - 1] of what the steps before lead to. */
struct tls_place {
	uint8_t step_cnt; /* 0: not known */
	uint8_t len;	  /* bytes: 4, 8 or 32 */
	uint16_t steps[TLS_PLACE_STEP_MAX];
	char reason[TLS_PLACE_REASON_MAX]; /* why it is not known, for people; else "" */
};

struct tls_layout {
	bool has_type; /* else all objects are plain connections */
	uint16_t type_offset;
	uint32_t type_value; /* of a plain connection */
	struct tls_place places[TLS_FIELD_CNT];
};

/* "rbio", "bio_num". */
const char *tls_field_name(enum tls_field field);

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What both sides know of a connection's identity: who talks to whom, and over what. The rules of
 * records.h hold.
 */
#ifndef PLAINTAP_ABI_CONN_RECORD_H
#define PLAINTAP_ABI_CONN_RECORD_H

#include <linux/types.h>

#include "records.h"

/* Same values as enum tls_field in src/model/tls_layout.h, which explains them; a test compares. */
enum layout_field {
	LAYOUT_RBIO,
	LAYOUT_WBIO,
	LAYOUT_VERSION,
	LAYOUT_IS_SERVER,
	LAYOUT_ALPN,
	LAYOUT_ALPN_LEN,
	LAYOUT_CIPHER,
	LAYOUT_SERVER_NAME,
	LAYOUT_CIPHER_ID,
	LAYOUT_BIO_TYPE,
	LAYOUT_BIO_INIT,
	LAYOUT_BIO_NUM,
	LAYOUT_BIO_NEXT,
	LAYOUT_BIO_DATA,
	LAYOUT_CLIENT_RANDOM,
	LAYOUT_SERVER_RANDOM,
	LAYOUT_SHUTDOWN,
	LAYOUT_QUIET_SHUTDOWN,
	LAYOUT_IN_INIT,
	LAYOUT_SESSION_NAME,
	LAYOUT_FIELD_CNT,
};

enum { LAYOUT_STEP_MAX = 2 };

/* Same values as in enum tls_bio_type there. */
enum {
	LAYOUT_BIO_DESCRIPTOR = 0x0100,
	LAYOUT_BIO_FILTER = 0x0200,
	LAYOUT_BIO_MEM = 0x0401,
	LAYOUT_BIO_PAIR = 0x0413,
	LAYOUT_BIO_ACCEPT = 0x050d,
};

/* The value is the `len` bytes at the last step of what the one before leads to. */
struct layout_place {
	__u8 step_cnt; /* 0: not known */
	__u8 len;      /* 4, 8 or 32 */
	__u16 steps[LAYOUT_STEP_MAX];
};

/* Value of map `layouts`, key: target. Where a library's objects keep what is to be told. */
struct conn_layout {
	struct layout_place places[LAYOUT_FIELD_CNT];
	__u32 type_value; /* of a plain connection; only with has_type */
	__u16 type_offset;
	__u8 has_type;
	__u8 pad8;
};

/* conn_state.info: is the connection described to user space? */
enum conn_info_state {
	CONN_UNTOLD = 0,
	CONN_SEEKING = 1,  /* but for its socket */
	CONN_TOLD = 2,	   /* or given up */
	CONN_FILTERED = 3, /* it never will be: its bytes are not wanted */
};

enum { REC_UNIX_PATH_MAX = 108, REC_ALPN_MAX = 64, REC_SERVER_NAME_MAX = 256 };

/* One end of a socket. */
struct rec_address {
	__u16 family;		       /* AF_INET, AF_INET6, AF_UNIX; 0: not known */
	__u16 port;		       /* of the first two */
	__u32 len;		       /* of bytes: 4, 16; of a path, 0 when it has no name */
	__u8 bytes[REC_UNIX_PATH_MAX]; /* address; path, of an abstract one with its NUL in front */
};

/* rec_conn_info.known: which of its fields say something. */
enum conn_known {
	CONN_KNOWS_ROLE = 1 << 0,
	CONN_KNOWS_VERSION = 1 << 1,
	CONN_KNOWS_CIPHER = 1 << 2,
	CONN_KNOWS_ALPN = 1 << 3,
	CONN_KNOWS_SERVER_NAME = 1 << 4,
	CONN_IS_LET_IN = 1 << 5, /* by filters, if there are any */
	CONN_IS_KEPT_OUT = 1 << 6,
};

/*
 * REC_CONN_INFO: before the first bytes of a connection, once it has been set up. A second one may
 * follow with addresses that were not known then.
 */
struct rec_conn_info {
	struct rec_head head;
	__u64 conn;
	__u32 pid;
	__u32 tid;
	__u32 target;
	__u32 known; /* set of enum conn_known */
	struct rec_address local;
	struct rec_address remote;
	__u16 version; /* as on the wire */
	__u16 cipher;  /* the same */
	__u8 is_server;
	__u8 alpn_len;
	__u16 pad16;
	__u8 alpn[REC_ALPN_MAX];
	__u8 server_name[REC_SERVER_NAME_MAX]; /* with NUL */
};

/* Value of map `unsent_ends`, key: conn id. Ends that found the ring full. */
struct unsent_end {
	struct conn_state state;
	__u32 pid;
	struct conn_closing closing;
	__u16 pad16;
};

_Static_assert(sizeof(struct layout_place) == 6, "layout");
_Static_assert(sizeof(struct conn_layout) == 128, "layout");
_Static_assert(sizeof(struct rec_address) == 116, "layout");
_Static_assert(sizeof(struct rec_conn_info) == 600, "layout");
_Static_assert(sizeof(struct unsent_end) == 128, "layout");

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TLS client and a TLS server in one process, joined by memory: what one end writes the other
 * finds at its next call, so one thread can drive both, in an order that is its own. Every byte
 * that a call moves is tallied from that call's buffer; the truth is printed when a connection ends
 * (format: tls_pair.c). What goes wrong ends the program.
 */
#ifndef PLAINTAP_TESTS_TLS_LINK_H
#define PLAINTAP_TESTS_TLS_LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally;

struct tls_end {
	SSL *ssl;
	const char *name;
	struct tally *sent, *received;
};

struct tls_link {
	struct tls_end client, server;
};

extern SSL_CTX *tls_link_client_ctx, *tls_link_server_ctx;

/* Makes and frees the contexts. */
void tls_link_begin(void);
void tls_link_end(void);
/* From now on TLS 1.2 with a key that both know: a handshake without a signature, so a fast one. */
void tls_link_use_psk(void);

void tls_link_open(struct tls_link *l);
/* Says goodbye, frees the objects, prints the truth. */
void tls_link_close(struct tls_link *l);
/*
 * Ends the connection and prints its truth, but keeps the objects for the next one: SSL_clear.
 * `politely`: says goodbye first.
 */
void tls_link_renew(struct tls_link *l, bool politely);
/* A pair of blocking sockets in the memory's place, for ends that have a thread each. */
void tls_link_use_sockets(struct tls_link *l);
/* What moved so far is not this process's. */
void tls_link_forget_truth(struct tls_link *l);

/* The first one, or the rest of one that is under way. */
void tls_link_handshake(struct tls_link *l);

/* One call with the bytes [off, off + len) of the blocks; see blocks.h. */
void tls_link_write(struct tls_end *e, uint64_t off, size_t len);
void tls_link_write_from(struct tls_end *e, const void *p, size_t len);
/* So many calls that `len` bytes have come. */
void tls_link_read(struct tls_end *e, size_t len);
/* One call; 0: nothing is there yet. */
size_t tls_link_read_some(struct tls_end *e, size_t max);
size_t tls_link_read_to(struct tls_end *e, void *p, size_t max);

#endif

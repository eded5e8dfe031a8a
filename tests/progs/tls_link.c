// SPDX-License-Identifier: BSD-2-Clause
#include "tls_link.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blocks.h"
#include "tls_util.h"

enum { PIPE_SIZE = 1 << 18, PIECE_MAX = 1 << 16, ROUND_MAX = 20, PSK_LEN = 16 };

SSL_CTX *tls_link_client_ctx, *tls_link_server_ctx;

void tls_link_begin(void)
{
	tls_link_server_ctx = tls_server_ctx_new();
	tls_link_client_ctx = tls_client_ctx_new();
}

void tls_link_end(void)
{
	SSL_CTX_free(tls_link_client_ctx);
	SSL_CTX_free(tls_link_server_ctx);
}

static unsigned client_psk(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
			   unsigned char *key, unsigned key_max)
{
	snprintf(identity, identity_max, "client");
	memset(key, 'k', PSK_LEN);
	return PSK_LEN;
}

static unsigned server_psk(SSL *ssl, const char *identity, unsigned char *key, unsigned key_max)
{
	memset(key, 'k', PSK_LEN);
	return PSK_LEN;
}

void tls_link_use_psk(void)
{
	SSL_CTX *both[] = { tls_link_client_ctx, tls_link_server_ctx };

	for (int i = 0; i < 2; i++) {
		tls_ctx_set_version(both[i], "1.2");
		if (SSL_CTX_set_cipher_list(both[i], "PSK-AES128-GCM-SHA256") != 1)
			die_tls("choosing a PSK cipher");
		SSL_CTX_set_options(both[i], SSL_OP_NO_TICKET);
		SSL_CTX_set_session_cache_mode(both[i], SSL_SESS_CACHE_OFF);
	}
	SSL_CTX_set_psk_client_callback(tls_link_client_ctx, client_psk);
	SSL_CTX_set_psk_server_callback(tls_link_server_ctx, server_psk);
}

static void join_by_memory(struct tls_link *l)
{
	BIO *client, *server;

	if (BIO_new_bio_pair(&client, PIPE_SIZE, &server, PIPE_SIZE) != 1)
		die_tls("BIO_new_bio_pair");
	SSL_set_bio(l->client.ssl, client, client);
	SSL_set_bio(l->server.ssl, server, server);
}

void tls_link_use_sockets(struct tls_link *l)
{
	struct tls_end *ends[] = { &l->client, &l->server };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("socketpair: %m");
	for (int i = 0; i < 2; i++) {
		BIO *bio = BIO_new_socket(fds[i], BIO_CLOSE);

		if (!bio)
			die_tls("BIO_new_socket");
		SSL_set_bio(ends[i]->ssl, bio, bio);
	}
}

static void begin_truth(struct tls_end *e)
{
	e->sent = tally_new();
	e->received = tally_new();
}

static void print_one(const struct tls_end *e, const char *dir, struct tally *t)
{
	char hex[TALLY_HEX_SIZE];

	tally_finish(t, hex);
	printf("TRUTH %s %s %llu %s %d\n", e->name, dir, (unsigned long long)tally_bytes(t), hex,
	       (int)getpid());
	tally_free(t);
}

static void print_truth(struct tls_end *e)
{
	print_one(e, "sent", e->sent);
	print_one(e, "received", e->received);
	fflush(stdout);
}

static void open_end(struct tls_end *e, SSL_CTX *ctx, const char *name)
{
	*e = (struct tls_end){ .ssl = SSL_new(ctx), .name = name };
	if (!e->ssl)
		die_tls("SSL_new");
	begin_truth(e);
}

void tls_link_open(struct tls_link *l)
{
	open_end(&l->client, tls_link_client_ctx, "client");
	open_end(&l->server, tls_link_server_ctx, "server");
	SSL_set_connect_state(l->client.ssl);
	SSL_set_accept_state(l->server.ssl);
	join_by_memory(l);
}

static void say_goodbye(struct tls_link *l)
{
	SSL_shutdown(l->client.ssl);
	SSL_shutdown(l->server.ssl);
	SSL_shutdown(l->client.ssl);
	ERR_clear_error();
}

void tls_link_close(struct tls_link *l)
{
	say_goodbye(l);
	SSL_free(l->client.ssl);
	SSL_free(l->server.ssl);
	print_truth(&l->client);
	print_truth(&l->server);
}

void tls_link_renew(struct tls_link *l, bool politely)
{
	if (politely)
		say_goodbye(l);
	print_truth(&l->client);
	print_truth(&l->server);
	begin_truth(&l->client);
	begin_truth(&l->server);
	if (SSL_clear(l->client.ssl) != 1 || SSL_clear(l->server.ssl) != 1)
		die_tls("SSL_clear");
	join_by_memory(l);
}

void tls_link_forget_truth(struct tls_link *l)
{
	struct tls_end *ends[] = { &l->client, &l->server };

	for (int i = 0; i < 2; i++) {
		tally_free(ends[i]->sent);
		tally_free(ends[i]->received);
		begin_truth(ends[i]);
	}
}

static void shake(struct tls_end *e)
{
	int r = SSL_do_handshake(e->ssl);

	if (r != 1 && SSL_get_error(e->ssl, r) != SSL_ERROR_WANT_READ)
		die_tls("SSL_do_handshake");
	/* A request to negotiate anew is found by whoever reads. */
	if (r == 1 && tls_link_read_some(e, 1) != 0)
		die("%s: a byte before its time", e->name);
}

void tls_link_handshake(struct tls_link *l)
{
	for (int i = 0; i < ROUND_MAX; i++) {
		shake(&l->client);
		shake(&l->server);
		if (i && !SSL_in_init(l->client.ssl) && !SSL_in_init(l->server.ssl) &&
		    !SSL_renegotiate_pending(l->server.ssl))
			return;
	}
	die("the handshake does not end");
}

void tls_link_write_from(struct tls_end *e, const void *p, size_t len)
{
	if (SSL_write(e->ssl, p, (int)len) != (int)len)
		die_tls("SSL_write");
	tally_add(e->sent, p, len);
}

void tls_link_write(struct tls_end *e, uint64_t off, size_t len)
{
	char piece[PIECE_MAX];

	if (len > sizeof(piece))
		die("more than one call may write");
	blocks_fill(piece, off, len);
	tls_link_write_from(e, piece, len);
}

size_t tls_link_read_to(struct tls_end *e, void *p, size_t max)
{
	int r = SSL_read(e->ssl, p, (int)max);

	if (r <= 0 && SSL_get_error(e->ssl, r) != SSL_ERROR_WANT_READ)
		die_tls("SSL_read");
	if (r <= 0)
		return 0;
	tally_add(e->received, p, (size_t)r);
	return (size_t)r;
}

size_t tls_link_read_some(struct tls_end *e, size_t max)
{
	char piece[PIECE_MAX];

	return tls_link_read_to(e, piece, max < sizeof(piece) ? max : sizeof(piece));
}

void tls_link_read(struct tls_end *e, size_t len)
{
	while (len) {
		size_t r = tls_link_read_some(e, len);

		if (!r)
			die("%s: %zu bytes do not come", e->name, len);
		len -= r;
	}
}

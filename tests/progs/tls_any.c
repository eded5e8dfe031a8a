// SPDX-License-Identifier: BSD-2-Clause
/*
 * A TLS client and server over the libssl that is named, whatever its version: it is opened by
 *path, and no header of OpenSSL is used. The client sends `SIZE` bytes of the blocks in one call,
 *the server sends them back in one call.
 *
 *	tls_any LIBCRYPTO LIBSSL DIR plain|ex SIZE     DIR has cert.pem and key.pem
 *
 * Prints READY when the library is there, waits for a line, then begins. What it moved is known to
 * whoever knows SIZE, so it tells no digests; it fails when a call moves less.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "blocks.h"

enum { FILETYPE_PEM = 1 };

static struct {
	void *(*tls_method)(void);
	void *(*ctx_new)(void *method);
	int (*use_certificate_file)(void *ctx, const char *file, int type);
	int (*use_private_key_file)(void *ctx, const char *file, int type);
	void *(*new_object)(void *ctx);
	int (*set_fd)(void *ssl, int fd);
	int (*accept)(void *ssl);
	int (*connect)(void *ssl);
	int (*read)(void *ssl, void *buf, int num);
	int (*write)(void *ssl, const void *buf, int num);
	int (*read_ex)(void *ssl, void *buf, size_t num, size_t *done);
	int (*write_ex)(void *ssl, const void *buf, size_t num, size_t *done);
	void (*free_object)(void *ssl);
} tls;

static const struct {
	const char *name;
	void *to;
} symbols[] = {
	{ "TLS_method", &tls.tls_method },
	{ "SSL_CTX_new", &tls.ctx_new },
	{ "SSL_CTX_use_certificate_file", &tls.use_certificate_file },
	{ "SSL_CTX_use_PrivateKey_file", &tls.use_private_key_file },
	{ "SSL_new", &tls.new_object },
	{ "SSL_set_fd", &tls.set_fd },
	{ "SSL_accept", &tls.accept },
	{ "SSL_connect", &tls.connect },
	{ "SSL_read", &tls.read },
	{ "SSL_write", &tls.write },
	{ "SSL_read_ex", &tls.read_ex },
	{ "SSL_write_ex", &tls.write_ex },
	{ "SSL_free", &tls.free_object },
};

static uint64_t size;
static bool use_ex;

static __attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void open_library(const char *crypto, const char *ssl)
{
	void *lib;

	/* First, so that the other one does not take the system's. */
	if (!dlopen(crypto, RTLD_NOW | RTLD_GLOBAL))
		fail("tls_any: %s", dlerror());
	lib = dlopen(ssl, RTLD_NOW);
	if (!lib)
		fail("tls_any: %s", dlerror());
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *at = dlsym(lib, symbols[i].name);

		if (!at)
			fail("tls_any: %s has no %s", ssl, symbols[i].name);
		memcpy(symbols[i].to, &at, sizeof(at));
	}
}

static void *make_server_ctx(const char *dir)
{
	void *ctx = tls.ctx_new(tls.tls_method());
	char cert[4096], key[4096];

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	if (!ctx || tls.use_certificate_file(ctx, cert, FILETYPE_PEM) != 1 ||
	    tls.use_private_key_file(ctx, key, FILETYPE_PEM) != 1)
		fail("tls_any: %s, %s: not accepted", cert, key);
	return ctx;
}

static void send_all(void *ssl)
{
	char *p = malloc(size);
	size_t done = 0;
	int r;

	if (!p)
		fail("tls_any: no memory");
	blocks_fill(p, 0, size);
	r = use_ex ? tls.write_ex(ssl, p, size, &done) : tls.write(ssl, p, (int)size);
	if (use_ex ? r != 1 || done != size : r != (int)size)
		fail("tls_any: the write moved less");
	free(p);
}

static void receive_all(void *ssl)
{
	char piece[20000];

	for (uint64_t left = size; left;) {
		size_t room = left < sizeof(piece) ? left : sizeof(piece), done = 0;
		int r = use_ex ? tls.read_ex(ssl, piece, room, &done)
			       : tls.read(ssl, piece, (int)room);

		if (r <= 0)
			fail("tls_any: the read failed");
		left -= use_ex ? done : (size_t)r;
	}
}

static void *serve(void *ssl)
{
	if (tls.accept(ssl) != 1)
		fail("tls_any: SSL_accept failed");
	receive_all(ssl);
	send_all(ssl);
	return NULL;
}

static void run(const char *dir)
{
	void *client = tls.new_object(tls.ctx_new(tls.tls_method()));
	void *server = tls.new_object(make_server_ctx(dir));
	pthread_t thread;
	int fds[2];

	if (!client || !server || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
	    tls.set_fd(client, fds[0]) != 1 || tls.set_fd(server, fds[1]) != 1 ||
	    pthread_create(&thread, NULL, serve, server))
		fail("tls_any: cannot begin");
	if (tls.connect(client) != 1)
		fail("tls_any: SSL_connect failed");
	send_all(client);
	receive_all(client);
	pthread_join(thread, NULL);
	tls.free_object(client);
	tls.free_object(server);
}

int main(int argc, char **argv)
{
	int c;

	if (argc != 6 || str_to_size(str_from(argv[5]), &size) < 0 || !size) {
		fputs("usage: tls_any LIBCRYPTO LIBSSL DIR plain|ex SIZE\n", stderr);
		return 2;
	}
	use_ex = !strcmp(argv[4], "ex");
	open_library(argv[1], argv[2]);
	printf("READY %d\n", (int)getpid());
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
	run(argv[3]);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A load generator: a TLS client and a TLS server in one thread, over a socket pair. A round is
 * one SSL_write of the client and the SSL_read of the same bytes by the server, so that the time of
 * a round is the price of two TLS calls and of nothing that waits.
 *
 * It prints
 *
 *	READY <pid>                        after the handshake
 *	ROUNDS <n> NS <ns> CPU <ns> BYTES <bytes>
 *	                                   rounds measured, their time by the clock and on the CPU,
 *	                                   all bytes of all calls
 *
 * With --memory it first makes a connection, never used, that reads from memory, as event loops do:
 * whoever watches it then has to look at what it receives.
 *
 * With --wait it begins at a line on stdin and ends when stdin ends: whoever watches it can look
 * at itself in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/progs/tls_util.h"

enum { SIZE_MAX_BYTES = 16 * 1024, WARM_UP_ROUNDS = 200, ROUNDS_PER_LOOK = 64 };

#define SECOND_NS UINT64_C(1000000000)

static struct {
	uint64_t size, count, seconds; /* `seconds` wins over `count` when it is not 0 */
	bool wait, memory;
} opt = { .size = 100, .count = 10000 };

struct pair {
	SSL *client, *server;
	char out[SIZE_MAX_BYTES], in[SIZE_MAX_BYTES];
	uint64_t bytes; /* written and read */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void set_blocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* One step; true when this side is through. */
static bool handshake_step(SSL *ssl)
{
	int r = SSL_do_handshake(ssl), e;

	if (r == 1)
		return true;
	e = SSL_get_error(ssl, r);
	if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		die_tls("pair_loop: handshake");
	return false;
}

static SSL *side_new(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die_tls("pair_loop: SSL_new");
	return ssl;
}

static void pair_connect(struct pair *p, SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
	bool client_done = false, server_done = false;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("pair_loop: socketpair: %s", strerror(errno));
	p->client = side_new(client_ctx, fds[0]);
	p->server = side_new(server_ctx, fds[1]);
	SSL_set_connect_state(p->client);
	SSL_set_accept_state(p->server);
	set_blocking(fds[0], false);
	set_blocking(fds[1], false);
	while (!client_done || !server_done) {
		client_done = client_done || handshake_step(p->client);
		server_done = server_done || handshake_step(p->server);
	}
	set_blocking(fds[0], true);
	set_blocking(fds[1], true);
}

static void pair_round(struct pair *p)
{
	int size = (int)opt.size, got = 0;

	if (SSL_write(p->client, p->out, size) != size)
		die_tls("pair_loop: SSL_write");
	while (got < size) {
		int r = SSL_read(p->server, p->in + got, size - got);

		if (r <= 0)
			die_tls("pair_loop: SSL_read");
		got += r;
	}
	p->bytes += 2 * opt.size;
}

static void pair_rounds(struct pair *p, uint64_t cnt)
{
	for (uint64_t i = 0; i < cnt; i++)
		pair_round(p);
}

static void read_from_memory(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (!ssl || !in || !out)
		die_tls("pair_loop: SSL_new");
	SSL_set_bio(ssl, in, out);
	SSL_free(ssl);
}

static void run(struct pair *p)
{
	uint64_t start, cpu, end, rounds = 0;

	pair_rounds(p, WARM_UP_ROUNDS);
	start = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	if (opt.seconds) {
		end = start + opt.seconds * SECOND_NS;
		do {
			pair_rounds(p, ROUNDS_PER_LOOK);
			rounds += ROUNDS_PER_LOOK;
		} while (now_ns(CLOCK_MONOTONIC) < end);
	} else {
		pair_rounds(p, opt.count);
		rounds = opt.count;
	}
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	end = now_ns(CLOCK_MONOTONIC);
	printf("ROUNDS %llu NS %llu CPU %llu BYTES %llu\n", (unsigned long long)rounds,
	       (unsigned long long)(end - start), (unsigned long long)cpu,
	       (unsigned long long)p->bytes);
	fflush(stdout);
}

/* Printable bytes without a newline: tools that print what they see can be counted. */
static void fill(char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (char)('a' + i % 26);
}

static void wait_for(int what)
{
	int c;

	do
		c = getchar();
	while (c != what && c != EOF);
}

static __attribute__((noreturn)) void usage_error(const char *what)
{
	fprintf(stderr,
		"pair_loop: %s\n"
		"usage: pair_loop [--size N] [--count ROUNDS | --seconds S] [--wait] [--memory]\n"
		"N is 1 to %d.\n",
		what, SIZE_MAX_BYTES);
	exit(2);
}

static uint64_t number(const char *given)
{
	uint64_t n;

	if (str_to_size(str_from(given), &n) < 0)
		usage_error(given);
	return n;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 'S' },
		{ "wait", no_argument, NULL, 'w' },
		{ "memory", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			opt.size = number(optarg);
		else if (c == 'c')
			opt.count = number(optarg);
		else if (c == 'S')
			opt.seconds = number(optarg);
		else if (c == 'w')
			opt.wait = true;
		else if (c == 'm')
			opt.memory = true;
		else
			usage_error("unknown option");
	}
	if (optind != argc || !opt.size || opt.size > SIZE_MAX_BYTES || !opt.count)
		usage_error("wrong arguments");
}

int main(int argc, char **argv)
{
	static struct pair p;
	SSL_CTX *client_ctx, *server_ctx;

	parse(argc, argv);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	client_ctx = tls_client_ctx_new();
	server_ctx = tls_server_ctx_new();
	pair_connect(&p, client_ctx, server_ctx);
	fill(p.out, sizeof(p.out));
	printf("READY %d\n", (int)getpid());
	fflush(stdout);
	if (opt.wait)
		wait_for('\n');
	if (opt.memory)
		read_from_memory(client_ctx);
	run(&p);
	if (opt.wait)
		wait_for(EOF);
	SSL_free(p.client);
	SSL_free(p.server);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
	return 0;
}

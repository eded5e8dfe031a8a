// SPDX-License-Identifier: BSD-2-Clause
/*
 * A TLS client and server in one program that move a known amount of known bytes, and say at the
 * end what went over each side:
 *
 *	TRUTH <client|server> <sent|received> <bytes> <sha256> <pid>
 *
 * The digests are taken from the very buffers that the TLS calls were given, after each call and by
 * its result, so that they are the truth for whoever watches the calls.
 *
 * Order of one connection: handshake; failed reads of the client (--fail-reads), after which it
 * lets the server go on through a pipe; client to server; server to client; close from both sides.
 * Nobody closes before having read the other's close: an early close with unread session tickets
 * would reset the connection and lose bytes on the way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "blocks.h"
#include "tls_util.h"

enum pattern { PATTERN_BLOCKS, PATTERN_NUL, PATTERN_FF };
enum wait_point { WAIT_NOT, WAIT_START, WAIT_CONNECTED };
enum { SMALL_SOCKET_BUFFER = 4096, POLL_MAX_MS = 60 * 1000, READ_SIZE_DEFAULT = 20000 };

static struct {
	enum tls_api api;
	uint64_t size, count, threads, fail_reads, read_size;
	bool c2s, s2c;
	bool nonblocking, partial, fork, socketpair;
	const char *tls;
	enum pattern pattern;
	enum wait_point wait;
} opt = { .size = 1024,
	  .count = 1,
	  .threads = 1,
	  .read_size = READ_SIZE_DEFAULT,
	  .c2s = true,
	  .s2c = true };

static SSL_CTX *client_ctx, *server_ctx;

struct side {
	const char *name;
	bool is_server;
	unsigned number; /* of the connection; makes its content differ from the others' */
	int fd;
	int go_fd; /* client: write end, server: read end; see above */
	SSL *ssl;
	struct tally *sent, *received;
};

static void wait_for(struct side *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };
	int r;

	do
		r = poll(&p, 1, POLL_MAX_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		die("tls_pair: %s: nothing moved for a minute", s->name);
}

static void fill(char *p, uint64_t offset, size_t len)
{
	if (opt.pattern == PATTERN_BLOCKS)
		blocks_fill(p, offset, len);
	else
		memset(p, opt.pattern == PATTERN_NUL ? 0 : 0xff, len);
}

/* The same bytes elsewhere, and nothing but rubbish where they were. */
static char *move(char *p, size_t len)
{
	char *to = malloc(len ? len : 1);

	if (!to)
		die("tls_pair: no memory");
	memcpy(to, p, len);
	memset(p, '?', len);
	return to;
}

/* One write of `len` bytes, with as many calls as that takes; the buffer moves if it may. */
static void write_all(struct side *s, char *p, size_t len)
{
	char *moved = NULL;

	do {
		short want = 0;
		int64_t r = tls_write_once(s->ssl, opt.api, p, len, &want);

		if (r == -2)
			die_tls("tls_pair: write");
		if (r == -1) {
			wait_for(s, want);
		} else {
			tally_add(s->sent, p, (size_t)r);
			p += r;
			len -= (size_t)r;
		}
		if (opt.partial) {
			char *next = move(p, len);

			free(moved);
			p = moved = next;
		}
	} while (len);
	free(moved);
}

static void send_all(struct side *s)
{
	uint64_t offset = (uint64_t)s->number << 40 | (uint64_t)s->is_server << 36;
	char *p = malloc(opt.size ? opt.size : 1);

	if (!p)
		die("tls_pair: no memory");
	for (uint64_t i = 0; i < opt.count; i++, offset += opt.size) {
		fill(p, offset, opt.size);
		write_all(s, p, opt.size);
	}
	free(p);
}

/* Reads `total` bytes; with SIZE_MAX up to the other's close. Returns how many came. */
static uint64_t receive(struct side *s, uint64_t total)
{
	char *p = malloc(opt.read_size);
	uint64_t got = 0;

	if (!p)
		die("tls_pair: no memory");
	while (got < total) {
		short want = 0;
		size_t room = total - got < opt.read_size ? (size_t)(total - got) : opt.read_size;
		int64_t r = tls_read_once(s->ssl, opt.api, p, room, &want);

		if (r == -2)
			break;
		if (r == -1) {
			wait_for(s, want);
			continue;
		}
		tally_add(s->received, p, (size_t)r);
		got += (uint64_t)r;
	}
	free(p);
	return got;
}

static void receive_all(struct side *s)
{
	if (receive(s, opt.size * opt.count) != opt.size * opt.count)
		die_tls("tls_pair: read");
}

static void handshake(struct side *s)
{
	int r;

	while ((r = s->is_server ? SSL_accept(s->ssl) : SSL_connect(s->ssl)) != 1) {
		int e = SSL_get_error(s->ssl, r);

		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			die_tls("tls_pair: handshake");
		wait_for(s, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
	}
}

static void *fail_one_read(void *arg)
{
	struct side *s = arg;
	char byte;
	short want = 0;

	if (tls_read_once(s->ssl, opt.api, &byte, 1, &want) != -1)
		die("tls_pair: a read that had to fail did not");
	return NULL;
}

/* Each in a thread of its own that then ends: state kept by thread must not pile up. */
static void fail_reads(struct side *s)
{
	int flags = fcntl(s->fd, F_GETFL);

	fcntl(s->fd, F_SETFL, flags | O_NONBLOCK);
	for (uint64_t i = 0; i < opt.fail_reads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, fail_one_read, s))
			die("tls_pair: no thread");
		pthread_join(thread, NULL);
	}
	fcntl(s->fd, F_SETFL, flags);
}

static void wait_for_line(void)
{
	int c;

	printf("READY %d\n", (int)getpid());
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
	if (c == EOF)
		die("tls_pair: stdin ended before the line that says go");
}

static void start_together(struct side *s)
{
	char byte = 'g';

	if (s->is_server) {
		if (read(s->go_fd, &byte, 1) != 1)
			die("tls_pair: the client went away");
		return;
	}
	fail_reads(s);
	if (opt.wait == WAIT_CONNECTED && s->number == 0)
		wait_for_line();
	if (write(s->go_fd, &byte, 1) != 1)
		die("tls_pair: the server went away");
}

static void transfer(struct side *s)
{
	if (opt.c2s)
		(s->is_server ? receive_all : send_all)(s);
	if (opt.s2c)
		(s->is_server ? send_all : receive_all)(s);
	SSL_shutdown(s->ssl);
	if (receive(s, SIZE_MAX) != 0)
		die("tls_pair: %s: more bytes than were sent", s->name);
}

static void print_truth(struct side *s, const char *dir, struct tally *t)
{
	char hex[TALLY_HEX_SIZE];

	tally_finish(t, hex);
	printf("TRUTH %s %s %llu %s %d\n", s->name, dir, (unsigned long long)tally_bytes(t), hex,
	       (int)getpid());
	fflush(stdout);
	tally_free(t);
}

static void *run_side(void *arg)
{
	struct side *s = arg;

	s->sent = tally_new();
	s->received = tally_new();
	s->ssl = SSL_new(s->is_server ? server_ctx : client_ctx);
	if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1)
		die_tls("tls_pair: SSL_new");
	if (opt.partial)
		SSL_set_mode(s->ssl,
			     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	handshake(s);
	start_together(s);
	transfer(s);
	SSL_free(s->ssl);
	close(s->fd);
	close(s->go_fd);
	print_truth(s, "sent", s->sent);
	print_truth(s, "received", s->received);
	return NULL;
}

static void connect_tcp(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[0] < 0 || bind(listener, (struct sockaddr *)&at, len) < 0 ||
	    listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(fds[0], (struct sockaddr *)&at, len) < 0 ||
	    (fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		die("tls_pair: loopback connection: %m");
	close(listener);
}

static void open_pair(int fds[2])
{
	if (!opt.socketpair)
		connect_tcp(fds);
	else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("tls_pair: socketpair: %m");
	for (int i = 0; i < 2 && opt.nonblocking; i++) {
		int size = SMALL_SOCKET_BUFFER;

		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	}
}

static void make_sides(unsigned number, struct side *client, struct side *server)
{
	int fds[2], go[2];

	open_pair(fds);
	if (pipe2(go, O_CLOEXEC) < 0)
		die("tls_pair: pipe: %m");
	*client = (struct side){ .name = "client", .number = number, .fd = fds[0], .go_fd = go[1] };
	*server = (struct side){
		.name = "server", .is_server = true, .number = number, .fd = fds[1], .go_fd = go[0]
	};
}

/* The server side in a child: returns its pid. */
static pid_t fork_server(struct side *client, struct side *server)
{
	pid_t pid = fork();

	if (pid < 0)
		die("tls_pair: fork: %m");
	if (pid == 0) {
		close(client->fd);
		close(client->go_fd);
		run_side(server);
		exit(0);
	}
	close(server->fd);
	close(server->go_fd);
	return pid;
}

static int run_forked(void)
{
	int failed = 0;

	for (unsigned i = 0; i < opt.threads; i++) {
		struct side client, server;
		int status;
		pid_t pid;

		make_sides(i, &client, &server);
		pid = fork_server(&client, &server);
		run_side(&client);
		if (waitpid(pid, &status, 0) != pid || status)
			failed = 1;
	}
	return failed;
}

static int run_threads(void)
{
	struct side *sides = calloc(opt.threads * 2, sizeof(*sides));
	pthread_t *threads = calloc(opt.threads * 2, sizeof(*threads));

	if (!sides || !threads)
		die("tls_pair: no memory");
	for (unsigned i = 0; i < opt.threads; i++)
		make_sides(i, &sides[2 * i], &sides[2 * i + 1]);
	for (unsigned i = 0; i < opt.threads * 2; i++)
		if (pthread_create(&threads[i], NULL, run_side, &sides[i]))
			die("tls_pair: no thread");
	for (unsigned i = 0; i < opt.threads * 2; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	free(sides);
	return 0;
}

static const char usage[] =
	"usage: tls_pair [options]\n"
	"  --api plain|ex        SSL_read/SSL_write or the _ex ones\n"
	"  --size N              bytes per write call (1k)\n"
	"  --count K             write calls per direction (1)\n"
	"  --read-size N         bytes asked for per read call (20000)\n"
	"  --dir c2s|s2c|both    who sends\n"
	"  --nonblocking         non-blocking sockets with small buffers\n"
	"  --partial             partial writes and moving buffers\n"
	"  --tls 1.2|1.3         this version only\n"
	"  --threads T           so many connections, each side a thread (1)\n"
	"  --fork                the server side in a child, connections one by one\n"
	"  --socketpair          a socket pair instead of TCP on loopback\n"
	"  --fail-reads N        so many failed reads first, each in a new thread\n"
	"  --pattern blocks|nul|ff\n"
	"  --wait                print READY and wait for a line on stdin, then begin\n"
	"  --wait-connected      the same, between handshake and first byte\n";

static __attribute__((noreturn)) void usage_error(const char *what)
{
	fprintf(stderr, "tls_pair: %s\n%s", what, usage);
	exit(2);
}

static int choice(const char *given, const char *const names[])
{
	for (int i = 0; names[i]; i++)
		if (strcmp(given, names[i]) == 0)
			return i;
	usage_error(given);
}

static uint64_t number(const char *given)
{
	uint64_t n;

	if (str_to_size(str_from(given), &n) < 0)
		usage_error(given);
	return n;
}

static void take_option(int c, const char *arg)
{
	static const char *const apis[] = { "plain", "ex", NULL };
	static const char *const dirs[] = { "both", "c2s", "s2c", NULL };
	static const char *const patterns[] = { "blocks", "nul", "ff", NULL };

	switch (c) {
	case 'a':
		opt.api = (enum tls_api)choice(arg, apis);
		break;
	case 's':
		opt.size = number(arg);
		break;
	case 'c':
		opt.count = number(arg);
		break;
	case 'r':
		opt.read_size = number(arg);
		break;
	case 'd':
		c = choice(arg, dirs);
		opt.c2s = c != 2;
		opt.s2c = c != 1;
		break;
	case 'v':
		opt.tls = arg;
		break;
	case 't':
		opt.threads = number(arg);
		break;
	case 'f':
		opt.fail_reads = number(arg);
		break;
	case 'P':
		opt.pattern = (enum pattern)choice(arg, patterns);
		break;
	default:
		usage_error("unknown option");
	}
}

static void parse(int argc, char **argv)
{
	static int flag[6];
	static const struct option options[] = {
		{ "api", required_argument, NULL, 'a' },
		{ "size", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "read-size", required_argument, NULL, 'r' },
		{ "dir", required_argument, NULL, 'd' },
		{ "tls", required_argument, NULL, 'v' },
		{ "threads", required_argument, NULL, 't' },
		{ "fail-reads", required_argument, NULL, 'f' },
		{ "pattern", required_argument, NULL, 'P' },
		{ "nonblocking", no_argument, &flag[0], 1 },
		{ "partial", no_argument, &flag[1], 1 },
		{ "fork", no_argument, &flag[2], 1 },
		{ "socketpair", no_argument, &flag[3], 1 },
		{ "wait", no_argument, &flag[4], 1 },
		{ "wait-connected", no_argument, &flag[5], 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (c)
			take_option(c, optarg);
	if (optind != argc || !opt.read_size || !opt.threads)
		usage_error("wrong arguments");
	opt.nonblocking = flag[0];
	opt.partial = flag[1];
	opt.fork = flag[2];
	opt.socketpair = flag[3];
	opt.wait = flag[5] ? WAIT_CONNECTED : flag[4] ? WAIT_START : WAIT_NOT;
}

int main(int argc, char **argv)
{
	int r;

	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	server_ctx = tls_server_ctx_new();
	client_ctx = tls_client_ctx_new();
	if (opt.tls) {
		tls_ctx_set_version(server_ctx, opt.tls);
		tls_ctx_set_version(client_ctx, opt.tls);
	}
	if (opt.wait == WAIT_START)
		wait_for_line();
	r = opt.fork ? run_forked() : run_threads();
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	return r;
}

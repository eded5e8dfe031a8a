// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sends pieces of a file by SSL_sendfile, with SSL_write in between, over loopback to a thread of
 * its own. Tells what went over each side as tls_pair does:
 *
 *	KTLS <1|0>                                       does the kernel encrypt for the sender?
 *	TRUTH <client|server> <sent|received> <bytes> <sha256> <pid>
 *
 * The truth of a call is what the file was made of, at the place that was asked for and as many
 * bytes as the call says; the receiver's is what it read. They must be the same.
 *
 * Without kernel TLS SSL_sendfile fails, and must say so: then the same bytes go by SSL_write.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blocks.h"
#include "tls_util.h"

enum {
	FILE_LEN = (3 << 20) + 5,
	POLL_MAX_MS = 60 * 1000,
	READ_LEN = 20000,
	/* Several TLS records: with less the kernel may keep half a one and never be writable. */
	SMALL_SOCKET_BUFFER = 64 << 10,
};

/* Where the content begins among the numbered blocks: of the file, and of what is written. */
#define FILE_BLOCKS  (UINT64_C(1) << 40)
#define WRITE_BLOCKS (UINT64_C(1) << 41)

/* What becomes of the file right behind each call. */
enum after { AFTER_NOTHING, AFTER_CLOSE, AFTER_SWAP, AFTER_REWRITE };

static struct {
	const char *tls, *truth;
	bool need_ktls, need_no_ktls, client_sends, nonblocking, hold;
	enum after after;
} opt = { .tls = "1.3" };

struct step {
	bool is_write;
	off_t off;
	size_t len;
};

static const struct step steps[] = {
	{ true, 0, 100 },
	{ false, 0, 1 },
	{ false, 5, 100 },
	{ false, 4095, 4097 },
	{ true, 0, 16384 },
	{ false, 16384, 16384 },
	{ false, 16383, 16385 },
	{ false, 100, 16383 },
	{ true, 0, 1 },
	{ false, 1 << 20, 1 << 20 },
	{ true, 0, 40000 },
	{ false, 0, FILE_LEN },
	{ false, FILE_LEN - 10, 100 },
	{ false, FILE_LEN, 100 },
	{ true, 0, 3 },
};

struct side {
	const char *name;
	bool is_server, sends;
	int fd;
	SSL *ssl;
	struct tally *sent, *received;
};

static SSL_CTX *ctx[2]; /* client's, server's */
static int dir_fd, file = -1, other;
static FILE *truth_file;
static uint64_t written_cnt;
static struct step spoiled;

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r;

	do
		r = poll(&p, 1, POLL_MAX_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		die("tls_sendfile: nothing moved for a minute");
}

static void fill_file(int fd, uint64_t blocks, off_t off, size_t len)
{
	char *p = malloc(len ? len : 1);

	if (!p)
		die("tls_sendfile: no memory");
	blocks_fill(p, blocks + (uint64_t)off, len);
	if (pwrite(fd, p, len, off) != (ssize_t)len)
		die("tls_sendfile: cannot write the file: %m");
	free(p);
}

static int create(const char *name, uint64_t blocks)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die("tls_sendfile: %s: %m", name);
	fill_file(fd, blocks, 0, FILE_LEN);
	/* As if it had been there for long. */
	futimens(fd, long_ago);
	return fd;
}

/* What the call before has spoiled. */
static void fill_file_again(void)
{
	if (spoiled.len)
		fill_file(file, FILE_BLOCKS, spoiled.off, spoiled.len);
	spoiled.len = 0;
}

static void open_for_step(void)
{
	if (opt.after == AFTER_NOTHING && file >= 0)
		return;
	if (file >= 0)
		close(file);
	file = openat(dir_fd, "file", O_RDWR | O_CLOEXEC);
	if (file < 0)
		die("tls_sendfile: the file: %m");
	fill_file_again();
}

/* What a reader that comes too late must not take for what was sent. */
static void spoil(off_t off, size_t len)
{
	char *p;

	switch (opt.after) {
	case AFTER_NOTHING:
		return;
	case AFTER_CLOSE:
		close(file);
		file = -1;
		return;
	case AFTER_SWAP:
		dup2(other, file);
		return;
	case AFTER_REWRITE:
		p = malloc(len);
		if (!p)
			die("tls_sendfile: no memory");
		memset(p, 'x', len);
		if (pwrite(file, p, len, off) != (ssize_t)len)
			die("tls_sendfile: spoiling the file: %m");
		free(p);
		spoiled = (struct step){ .off = off, .len = len };
		return;
	}
}

static void add_truth(struct side *s, uint64_t blocks, size_t len)
{
	char *p = malloc(len ? len : 1);

	if (!p)
		die("tls_sendfile: no memory");
	blocks_fill(p, blocks, len);
	tally_add(s->sent, p, len);
	if (truth_file && fwrite(p, 1, len, truth_file) != len)
		die("tls_sendfile: %s: %m", opt.truth);
	free(p);
}

static void write_blocks(struct side *s, uint64_t blocks, size_t len)
{
	char *p = malloc(len);
	size_t done = 0;

	if (!p)
		die("tls_sendfile: no memory");
	blocks_fill(p, blocks, len);
	while (done < len) {
		short want = 0;
		int64_t r = tls_write_once(s->ssl, TLS_API_PLAIN, p + done, len - done, &want);

		if (r == -2)
			die_tls("tls_sendfile: write");
		if (r == -1)
			wait_for(s->fd, want);
		else
			done += (size_t)r;
	}
	free(p);
	add_truth(s, blocks, len);
}

/* Bytes sent, 0 at the end of the file, -1 when it has to be tried again. */
static ssize_t send_once(struct side *s, off_t off, size_t len)
{
	ssize_t r;

	ERR_clear_error();
	open_for_step();
	r = SSL_sendfile(s->ssl, file, off, len, 0);
	if (r < 0) {
		if (SSL_get_error(s->ssl, (int)r) != SSL_ERROR_WANT_WRITE)
			die_tls("tls_sendfile: SSL_sendfile");
		return -1;
	}
	add_truth(s, FILE_BLOCKS + (uint64_t)off, (size_t)r);
	spoil(off, (size_t)r);
	return r;
}

static void send_piece(struct side *s, off_t off, size_t len)
{
	while (len) {
		ssize_t n = send_once(s, off, len);

		if (n == 0)
			return;
		if (n < 0) {
			wait_for(s->fd, POLLOUT);
			continue;
		}
		off += n;
		len -= (size_t)n;
	}
}

static void send_instead(struct side *s, off_t off, size_t len)
{
	size_t there = off < FILE_LEN ? (size_t)(FILE_LEN - off) : 0;

	open_for_step();
	if (SSL_sendfile(s->ssl, file, off, len, 0) >= 0)
		die("tls_sendfile: SSL_sendfile works without kernel TLS");
	if (there)
		write_blocks(s, FILE_BLOCKS + (uint64_t)off, len < there ? len : there);
}

static void send_all(struct side *s)
{
	bool ktls = BIO_get_ktls_send(SSL_get_wbio(s->ssl)) != 0;

	printf("KTLS %d\n", ktls);
	if ((opt.need_ktls && !ktls) || (opt.need_no_ktls && ktls))
		die("tls_sendfile: kernel TLS is %sactive", ktls ? "" : "not ");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].is_write) {
			write_blocks(s, WRITE_BLOCKS + written_cnt, steps[i].len);
			written_cnt += steps[i].len;
		} else if (ktls) {
			send_piece(s, steps[i].off, steps[i].len);
		} else {
			send_instead(s, steps[i].off, steps[i].len);
		}
	}
}

static void receive_all(struct side *s)
{
	char *p = malloc(READ_LEN);
	int64_t r;

	if (!p)
		die("tls_sendfile: no memory");
	do {
		short want = 0;

		r = tls_read_once(s->ssl, TLS_API_PLAIN, p, READ_LEN, &want);
		if (r == -1)
			wait_for(s->fd, want);
		else if (r > 0)
			tally_add(s->received, p, (size_t)r);
	} while (r != -2);
	free(p);
}

static void handshake(struct side *s)
{
	int r;

	while ((r = s->is_server ? SSL_accept(s->ssl) : SSL_connect(s->ssl)) != 1) {
		int e = SSL_get_error(s->ssl, r);

		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
			die_tls("tls_sendfile: handshake");
		wait_for(s->fd, e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
	}
}

static void *run_side(void *arg)
{
	struct side *s = arg;

	s->sent = tally_new();
	s->received = tally_new();
	s->ssl = SSL_new(ctx[s->is_server]);
	if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1)
		die_tls("tls_sendfile: SSL_new");
	handshake(s);
	if (s->sends) {
		send_all(s);
		SSL_shutdown(s->ssl);
		receive_all(s);
	} else {
		receive_all(s);
		SSL_shutdown(s->ssl);
	}
	return NULL;
}

static void connect_tcp(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int size = SMALL_SOCKET_BUFFER;

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[0] < 0 || bind(listener, (struct sockaddr *)&at, len) < 0 ||
	    listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(fds[0], (struct sockaddr *)&at, len) < 0 ||
	    (fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
		die("tls_sendfile: loopback connection: %m");
	close(listener);
	for (int i = 0; i < 2 && opt.nonblocking; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	}
}

static void make_contexts(void)
{
	ctx[0] = tls_client_ctx_new();
	ctx[1] = tls_server_ctx_new();
	for (int i = 0; i < 2; i++) {
		tls_ctx_set_version(ctx[i], opt.tls);
		SSL_CTX_set_options(ctx[i], SSL_OP_ENABLE_KTLS);
		/* What kernels have as modules of few others. */
		if (SSL_CTX_set_cipher_list(ctx[i], "ECDHE-ECDSA-AES128-GCM-SHA256") != 1 ||
		    SSL_CTX_set_ciphersuites(ctx[i], "TLS_AES_128_GCM_SHA256") != 1)
			die_tls("tls_sendfile: choosing a cipher");
	}
}

static void make_files(void)
{
	char path[] = "/tmp/tls_sendfile-XXXXXX";

	if (!mkdtemp(path) || (dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		die("tls_sendfile: a folder in /tmp: %m");
	other = create("other", FILE_BLOCKS * 3);
	close(create("file", FILE_BLOCKS));
	if (opt.truth && !(truth_file = fopen(opt.truth, "we")))
		die("tls_sendfile: %s: %m", opt.truth);
	unlinkat(dir_fd, "other", 0);
}

static void remove_files(void)
{
	char path[64], folder[256];
	ssize_t len;

	unlinkat(dir_fd, "file", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	len = readlink(path, folder, sizeof(folder) - 1);
	if (len > 0) {
		folder[len] = '\0';
		rmdir(folder);
	}
}

static void run(void)
{
	struct side sides[2] = {
		{ .name = "client", .sends = opt.client_sends },
		{ .name = "server", .sends = !opt.client_sends, .is_server = true },
	};
	char hex[2][2][TALLY_HEX_SIZE];
	pthread_t threads[2];
	int fds[2];

	connect_tcp(fds);
	for (int i = 0; i < 2; i++) {
		sides[i].fd = fds[i];
		if (pthread_create(&threads[i], NULL, run_side, &sides[i]))
			die("tls_sendfile: no thread");
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		tally_finish(s->sent, hex[i][0]);
		tally_finish(s->received, hex[i][1]);
		printf("TRUTH %s sent %llu %s %d\n", s->name,
		       (unsigned long long)tally_bytes(s->sent), hex[i][0], (int)getpid());
		printf("TRUTH %s received %llu %s %d\n", s->name,
		       (unsigned long long)tally_bytes(s->received), hex[i][1], (int)getpid());
	}
	fflush(stdout);
	if (strcmp(hex[0][0], hex[1][1]) != 0 || strcmp(hex[1][0], hex[0][1]) != 0)
		die("tls_sendfile: what was received is not what was sent");
	if (truth_file && fclose(truth_file))
		die("tls_sendfile: %s: %m", opt.truth);
	if (opt.hold)
		getchar();
	for (int i = 0; i < 2; i++) {
		SSL_free(sides[i].ssl);
		close(fds[i]);
		tally_free(sides[i].sent);
		tally_free(sides[i].received);
	}
}

static const char usage[] = "usage: tls_sendfile [options]\n"
			    "  --tls 1.2|1.3    this version only (1.3)\n"
			    "  --ktls yes|no    fail unless kernel TLS is active, or not\n"
			    "  --client-sends   the client sends, not the server\n"
			    "  --nonblocking    non-blocking sockets, the sender's buffer small\n"
			    "  --after nothing|close|swap|rewrite\n"
			    "                   what becomes of the file right behind each call\n"
			    "  --truth FILE     write what was sent there, too\n"
			    "  --hold           at the end, wait for a byte or the end of stdin\n";

static __attribute__((noreturn)) void usage_error(void)
{
	fprintf(stderr, "%s", usage);
	exit(2);
}

static enum after after_of(const char *name)
{
	static const char *const names[] = { "nothing", "close", "swap", "rewrite" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(names[i], name))
			return (enum after)i;
	usage_error();
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "tls", required_argument, NULL, 'v' },
		{ "ktls", required_argument, NULL, 'k' },
		{ "after", required_argument, NULL, 'a' },
		{ "truth", required_argument, NULL, 't' },
		{ "client-sends", no_argument, NULL, 'c' },
		{ "nonblocking", no_argument, NULL, 'n' },
		{ "hold", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'v':
			opt.tls = optarg;
			break;
		case 'k':
			opt.need_ktls = !strcmp(optarg, "yes");
			opt.need_no_ktls = !strcmp(optarg, "no");
			break;
		case 'a':
			opt.after = after_of(optarg);
			break;
		case 't':
			opt.truth = optarg;
			break;
		case 'c':
			opt.client_sends = true;
			break;
		case 'n':
			opt.nonblocking = true;
			break;
		case 'h':
			opt.hold = true;
			break;
		default:
			usage_error();
		}
	if (optind != argc)
		usage_error();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	make_files();
	make_contexts();
	run();
	remove_files();
	SSL_CTX_free(ctx[0]);
	SSL_CTX_free(ctx[1]);
	return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * The less common ways to call OpenSSL, one per run, each with its truth (see tls_pair.c for the
 * format and how it is taken). Both ends are in this process; but for the cases that need threads
 * they are joined by memory, so that every call happens in a known order.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "blocks.h"
#include "tls_link.h"
#include "tls_util.h"

enum { CHILD_CNT = 4, CYCLE_CNT = 5, CROSS_CALLS = 1000, EARLY_MAX = 1 << 16 };

static uint64_t opt_count = 1000;
static const char *opt_file;

/* --- calls that move what others do too, or nothing ---------------------------------------------
 */

static void run_bio(void)
{
	struct tls_link link;
	BIO *client = BIO_new(BIO_f_ssl()), *server = BIO_new(BIO_f_ssl());
	char piece[3000];

	tls_link_open(&link);
	tls_link_handshake(&link);
	if (!client || !server)
		die_tls("BIO_f_ssl");
	BIO_set_ssl(client, link.client.ssl, BIO_NOCLOSE);
	BIO_set_ssl(server, link.server.ssl, BIO_NOCLOSE);
	for (uint64_t off = 0; off < opt_count * sizeof(piece); off += sizeof(piece)) {
		int got = 0, r;

		blocks_fill(piece, off, sizeof(piece));
		if (BIO_write(client, piece, sizeof(piece)) != sizeof(piece))
			die_tls("BIO_write");
		tally_add(link.client.sent, piece, sizeof(piece));
		for (; got < (int)sizeof(piece); got += r) {
			r = BIO_read(server, piece, 1000);
			if (r <= 0)
				die_tls("BIO_read");
			tally_add(link.server.received, piece, (size_t)r);
		}
	}
	BIO_free(client);
	BIO_free(server);
	tls_link_close(&link);
}

/* Each piece is looked at three times before it is taken. */
static void run_peek(void)
{
	struct tls_link link;
	char piece[100];

	tls_link_open(&link);
	tls_link_handshake(&link);
	for (uint64_t i = 0; i < opt_count; i++) {
		size_t done;

		tls_link_write(&link.client, i * sizeof(piece), sizeof(piece));
		if (SSL_peek(link.server.ssl, piece, sizeof(piece)) != sizeof(piece) ||
		    SSL_peek_ex(link.server.ssl, piece, sizeof(piece), &done) != 1 ||
		    SSL_peek(link.server.ssl, piece, 7) != 7)
			die_tls("SSL_peek");
		tls_link_read(&link.server, sizeof(piece));
	}
	tls_link_close(&link);
}

typedef int (*write_ex2_fn)(SSL *ssl, const void *buf, size_t num, uint64_t flags, size_t *written);

/* The headers here may be older than the library at run time. */
static void run_write_ex2(void)
{
	write_ex2_fn write_ex2 = (write_ex2_fn)(uintptr_t)dlsym(RTLD_DEFAULT, "SSL_write_ex2");
	static const size_t sizes[] = { 1, 100, 4096, 16383, 16384, 16385, 65536 };
	struct tls_link link;
	char *piece = malloc(65536);

	if (!write_ex2 || !piece)
		die("tls_cells: this libssl has no SSL_write_ex2");
	tls_link_open(&link);
	tls_link_handshake(&link);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t done = 0;

		blocks_fill(piece, i << 20, sizes[i]);
		if (write_ex2(link.client.ssl, piece, sizes[i], 0, &done) != 1 || done != sizes[i])
			die_tls("SSL_write_ex2");
		tally_add(link.client.sent, piece, done);
		tls_link_read(&link.server, sizes[i]);
		tls_link_write(&link.server, i << 24, sizes[i]);
		tls_link_read(&link.client, sizes[i]);
	}
	free(piece);
	tls_link_close(&link);
}

/* --- early data
 * ----------------------------------------------------------------------------------- */

static SSL_SESSION *session;

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

static void early_write(struct tls_end *end, uint64_t off, size_t len)
{
	char piece[EARLY_MAX];
	size_t done = 0;

	blocks_fill(piece, off, len);
	if (SSL_write_early_data(end->ssl, piece, len, &done) != 1)
		die_tls("SSL_write_early_data");
	tally_add(end->sent, piece, done);
}

/* SSL_READ_EARLY_DATA_SUCCESS or _FINISH. */
static int early_read(struct tls_end *end, size_t max)
{
	char piece[EARLY_MAX];
	size_t done = 0;
	int r = SSL_read_early_data(end->ssl, piece, max, &done);

	if (r == SSL_READ_EARLY_DATA_ERROR)
		die_tls("SSL_read_early_data");
	tally_add(end->received, piece, done);
	return r;
}

static void early_exchange(struct tls_link *link)
{
	static const size_t sizes[] = { 1, 100, 4096, 16384, 20000 };
	size_t left = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++, left += sizes[i - 1])
		early_write(&link->client, i << 20, sizes[i]);
	while (tally_bytes(link->server.received) < left)
		if (early_read(&link->server, 10000) != SSL_READ_EARLY_DATA_SUCCESS)
			die("tls_cells: early data ended early");
	/* The server may answer before the client has finished the handshake. */
	early_write(&link->server, 1 << 28, 5000);
	tls_link_read(&link->client, 5000);
	early_write(&link->client, 1 << 27, 300);
	if (SSL_do_handshake(link->client.ssl) != 1)
		die_tls("SSL_do_handshake");
	if (early_read(&link->server, 1000) != SSL_READ_EARLY_DATA_SUCCESS ||
	    early_read(&link->server, 1000) != SSL_READ_EARLY_DATA_FINISH)
		die("tls_cells: early data does not end");
	tls_link_handshake(link);
	tls_link_write(&link->client, 1 << 29, 30000);
	tls_link_read(&link->server, 30000);
	tls_link_write(&link->server, 1 << 30, 30000);
	tls_link_read(&link->client, 30000);
	if (SSL_get_early_data_status(link->server.ssl) != SSL_EARLY_DATA_ACCEPTED)
		die("tls_cells: the early data was not accepted");
}

static void run_early_data(void)
{
	struct tls_link link;

	SSL_CTX_set_session_cache_mode(tls_link_client_ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(tls_link_client_ctx, keep_session);
	SSL_CTX_set_max_early_data(tls_link_server_ctx, EARLY_MAX);
	SSL_CTX_set_recv_max_early_data(tls_link_server_ctx, EARLY_MAX);
	SSL_CTX_set_options(tls_link_server_ctx, SSL_OP_NO_ANTI_REPLAY);
	tls_link_open(&link);
	tls_link_handshake(&link);
	tls_link_write(&link.server, 0, 500);
	tls_link_read(&link.client, 500);
	tls_link_close(&link);
	if (!session)
		die("tls_cells: the server gave no session");
	tls_link_open(&link);
	if (SSL_set_session(link.client.ssl, session) != 1)
		die_tls("SSL_set_session");
	early_exchange(&link);
	tls_link_close(&link);
	SSL_SESSION_free(session);
}

/* --- one object, several connections, and several handshakes in one
 * --------------------------------- */

static void run_clear(void)
{
	struct tls_link link;

	tls_link_open(&link);
	for (uint64_t i = 0; i < CYCLE_CNT; i++) {
		if (i)
			tls_link_renew(&link, i % 2);
		tls_link_handshake(&link);
		tls_link_write(&link.client, i << 30, 1000 + i);
		tls_link_read(&link.server, 1000 + i);
		tls_link_write(&link.server, i << 31, 20000 + i);
		tls_link_read(&link.client, 20000 + i);
	}
	tls_link_close(&link);
}

static void run_renegotiation(void)
{
	struct tls_link link;

	tls_ctx_set_version(tls_link_client_ctx, "1.2");
	tls_link_open(&link);
	tls_link_handshake(&link);
	for (uint64_t i = 0; i < CYCLE_CNT; i++) {
		tls_link_write(&link.client, i << 20, 1000);
		tls_link_read(&link.server, 1000);
		tls_link_write(&link.server, i << 24, 1000);
		tls_link_read(&link.client, 1000);
		if (SSL_renegotiate(link.server.ssl) != 1)
			die_tls("SSL_renegotiate");
		tls_link_handshake(&link);
	}
	if (SSL_num_renegotiations(link.server.ssl) != CYCLE_CNT)
		die("tls_cells: nothing was negotiated again");
	tls_link_close(&link);
}

static void *serve_implicitly(void *arg)
{
	struct tls_end *end = arg;

	SSL_set_accept_state(end->ssl);
	tls_link_read(end, 5000);
	tls_link_write(end, 1 << 20, 5000);
	return NULL;
}

/*
 * No word of a handshake: the first read and the first write do it themselves, on blocking sockets,
 * so that either's only call begins before it and returns after it. Twice with the same objects.
 */
static void run_implicit_handshake(void)
{
	struct tls_link link;

	tls_link_open(&link);
	for (int i = 0; i < 2; i++) {
		pthread_t server;

		if (i)
			tls_link_renew(&link, true);
		tls_link_use_sockets(&link);
		SSL_set_connect_state(link.client.ssl);
		if (pthread_create(&server, NULL, serve_implicitly, &link.server))
			die("tls_cells: no thread");
		tls_link_write(&link.client, 0, 5000);
		tls_link_read(&link.client, 5000);
		pthread_join(server, NULL);
	}
	tls_link_close(&link);
}

/* --- threads and processes
 * ------------------------------------------------------------------------ */

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *write_client(void *arg)
{
	struct tls_link *link = arg;

	for (uint64_t i = 0; i < CROSS_CALLS; i++) {
		pthread_mutex_lock(&turn);
		tls_link_write(&link->client, i * 100, 100);
		tls_link_read(&link->server, 100);
		tls_link_write(&link->server, i * 30, 30);
		pthread_mutex_unlock(&turn);
	}
	return NULL;
}

static void *read_client(void *arg)
{
	struct tls_link *link = arg;
	uint64_t left = CROSS_CALLS * 30;

	while (left) {
		pthread_mutex_lock(&turn);
		left -= tls_link_read_some(&link->client, 17);
		pthread_mutex_unlock(&turn);
	}
	return NULL;
}

/* The client's object is written in one thread and read in another, in no fixed order. */
static void run_two_threads(void)
{
	struct tls_link link;
	pthread_t writer, reader;

	tls_link_open(&link);
	tls_link_handshake(&link);
	if (pthread_create(&writer, NULL, write_client, &link) ||
	    pthread_create(&reader, NULL, read_client, &link))
		die("tls_cells: no thread");
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	tls_link_close(&link);
}

static void use_inherited(struct tls_link *link, uint64_t number)
{
	for (uint64_t i = 0; i < 200; i++) {
		tls_link_write(&link->client, number << 32 | i << 10, 1000);
		tls_link_read(&link->server, 1000);
		tls_link_write(&link->server, number << 33 | i << 10, 1000);
		tls_link_read(&link->client, 1000);
	}
	tls_link_close(link);
}

/*
 * Children go on with the parent's objects, all at the same time and at the same addresses. What
 * moved before is the parent's; a child's bytes are those that it moved itself.
 */
static void run_fork(void)
{
	struct tls_link link;
	int failed = 0, status;

	tls_link_open(&link);
	tls_link_handshake(&link);
	tls_link_write(&link.client, 1, 777);
	tls_link_read(&link.server, 777);
	for (uint64_t i = 1; i <= CHILD_CNT; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("tls_cells: fork: %m");
		if (pid)
			continue;
		tls_link_forget_truth(&link);
		use_inherited(&link, i);
		exit(0);
	}
	use_inherited(&link, 0);
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		die("tls_cells: a child failed");
}

/* --- buffers in files
 * ----------------------------------------------------------------------------- */

enum { FILE_LEN = 1 << 20, FILE_STEP = 50000 };

struct mapping {
	char *at;
	int fd;
	bool evict; /* once more, when the bytes are on their way and the call has not returned */
};

static struct mapping mapped;

static void evict(void)
{
	madvise(mapped.at, FILE_LEN, MADV_DONTNEED);
	fdatasync(mapped.fd);
	posix_fadvise(mapped.fd, 0, FILE_LEN, POSIX_FADV_DONTNEED);
}

static long evict_when_written(BIO *bio, int oper, const char *argp, size_t len, int argi,
			       long argl, int ret, size_t *processed)
{
	if (mapped.evict && oper == (BIO_CB_WRITE | BIO_CB_RETURN))
		evict();
	return ret;
}

static void map_file(int flags)
{
	char *content = malloc(FILE_LEN);

	mapped.fd = open(opt_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (!content || mapped.fd < 0)
		die("tls_cells: %s: %m", opt_file);
	blocks_fill(content, 0, FILE_LEN);
	if (write(mapped.fd, content, FILE_LEN) != FILE_LEN)
		die("tls_cells: %s: %m", opt_file);
	free(content);
	mapped.at = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, flags, mapped.fd, 0);
	if (mapped.at == MAP_FAILED)
		die("tls_cells: mmap: %m");
}

/* The first half of the file is written from the mapping; what is read comes into its second half.
 */
static void run_mapped(int flags, bool during_the_call)
{
	struct tls_link link;

	map_file(flags);
	tls_link_open(&link);
	tls_link_handshake(&link);
	BIO_set_callback_ex(SSL_get_wbio(link.client.ssl), evict_when_written);
	mapped.evict = during_the_call;
	for (size_t off = 0; off + FILE_STEP < FILE_LEN / 2; off += FILE_STEP) {
		size_t got = 0;

		evict();
		tls_link_write_from(&link.client, mapped.at + off, FILE_STEP);
		tls_link_read(&link.server, FILE_STEP);
		tls_link_write(&link.server, off, FILE_STEP);
		evict();
		while (got < FILE_STEP)
			got += tls_link_read_to(&link.client, mapped.at + FILE_LEN / 2 + off + got,
						FILE_STEP - got);
	}
	mapped.evict = false;
	BIO_set_callback_ex(SSL_get_wbio(link.client.ssl), NULL);
	tls_link_close(&link);
}

static void run_mapped_private(void)
{
	run_mapped(MAP_PRIVATE, false);
}

static void run_mapped_shared(void)
{
	run_mapped(MAP_SHARED, false);
}

static void run_mapped_evicted(void)
{
	run_mapped(MAP_SHARED, true);
}

/* --- many
 * ------------------------------------------------------------------------------------------- */

static void run_connections(void)
{
	tls_link_use_psk();
	for (uint64_t i = 0; i < opt_count; i++) {
		struct tls_link link;

		tls_link_open(&link);
		tls_link_handshake(&link);
		tls_link_write(&link.client, i << 12, 64);
		tls_link_read(&link.server, 64);
		tls_link_write(&link.server, i << 13, 48);
		tls_link_read(&link.client, 48);
		tls_link_close(&link);
	}
}

static const struct {
	const char *name, *what;
	void (*run)(void);
} rows[] = {
	{ "bio", "BIO_read and BIO_write through BIO_f_ssl", run_bio },
	{ "peek", "SSL_peek and SSL_peek_ex before each read", run_peek },
	{ "write-ex2", "SSL_write_ex2, of OpenSSL 3.3", run_write_ex2 },
	{ "early-data", "a session resumed with early data both ways", run_early_data },
	{ "clear", "SSL_clear, and the same objects for the next connection", run_clear },
	{ "renegotiation", "TLS 1.2, negotiated anew within one connection", run_renegotiation },
	{ "implicit", "the handshake inside of the first read and write", run_implicit_handshake },
	{ "two-threads", "one object written in one thread, read in another", run_two_threads },
	{ "fork", "children use the parent's objects", run_fork },
	{ "mapped-private", "buffers in a private mapping of a file, evicted before each call",
	  run_mapped_private },
	{ "mapped-shared", "in a shared one", run_mapped_shared },
	{ "mapped-evicted", "in one that is evicted during the call too", run_mapped_evicted },
	{ "connections", "COUNT connections, one after the other", run_connections },
};

static __attribute__((noreturn)) void usage_error(void)
{
	fputs("usage: tls_cells [--wait] [--stay] [--count N] [--file PATH] CASE\n"
	      "  --wait   print READY and wait for a line on stdin, then begin\n"
	      "  --stay   at the end print DONE and wait for stdin to end\n",
	      stderr);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(stderr, "  %-15s %s\n", rows[i].name, rows[i].what);
	exit(2);
}

static void wait_for_line(const char *word)
{
	int c;

	printf("%s %d\n", word, (int)getpid());
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static void run(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(name, rows[i].name) != 0)
			continue;
		rows[i].run();
		return;
	}
	usage_error();
}

int main(int argc, char **argv)
{
	bool wait = false, stay = false;
	int i = 1;

	for (; i < argc - 1; i++) {
		if (!strcmp(argv[i], "--wait"))
			wait = true;
		else if (!strcmp(argv[i], "--stay"))
			stay = true;
		else if (!strcmp(argv[i], "--file") && i + 2 < argc)
			opt_file = argv[++i];
		else if (strcmp(argv[i], "--count") != 0 || i + 2 >= argc ||
			 str_to_size(str_from(argv[++i]), &opt_count) < 0)
			usage_error();
	}
	if (i != argc - 1)
		usage_error();
	tls_link_begin();
	if (wait)
		wait_for_line("READY");
	run(argv[i]);
	if (stay)
		wait_for_line("DONE");
	tls_link_end();
	return 0;
}

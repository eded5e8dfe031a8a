// SPDX-License-Identifier: BSD-2-Clause
/*
 * A small HTTPS/1.1 server for tests and the demo: own certificate made at start, loopback only, a
 * thread per connection, keep-alive and pipelining. Prints "READY <port>" when it listens.
 *
 *	GET  /users/1        a user as indented JSON
 *	POST /echo           the body back (also /continue; 100 Continue is sent when expected)
 *	GET  /bytes/N        N bytes of numbered blocks; ?write=SIZE per TLS write call, ?api=ex,
 *	                     ?chunked=1, ?close=1 (no length: the end of the connection ends the
 *body) GET  /status/CODE    that status, with a short text where the status allows a body
 *
 * HEAD is answered like GET without the body. It ends on SIGTERM and SIGINT, after --requests N
 * answers, and when its parent dies: a test that crashes leaves no server behind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "blocks.h"
#include "tls_util.h"

enum {
	HEAD_MAX = 64 * 1024,
	BODY_MAX = 256 * 1024 * 1024,
	WRITE_MAX = 128 * 1024 * 1024,
	WRITE_DEFAULT = 16 * 1024,
	FRAME_MAX = 32, /* a chunk's size line and end */
	CONN_MAX = 256,
};

static SSL_CTX *server_ctx;
static uint64_t requests_max; /* 0: no end */
static int stop_fd;	      /* an eventfd: readable when enough requests were served */

/* Open connections, so that the end can wake and await them. */
static pthread_mutex_t conns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t conns_changed = PTHREAD_COND_INITIALIZER;
static int conns[CONN_MAX];
static size_t conns_cnt;
static uint64_t requests_done;

struct conn {
	SSL *ssl;
	int fd;
	enum tls_api api;  /* of writes; reads are plain */
	char in[HEAD_MAX]; /* bytes read and not yet used */
	size_t in_len;
};

struct request {
	struct str method, path, query;
	uint64_t length; /* of the body */
	bool chunked, expects_continue, close;
};

static bool send_all(struct conn *c, const void *p, size_t len)
{
	const char *at = p;
	short want;

	while (len) {
		int64_t r = tls_write_once(c->ssl, c->api, at, len, &want);

		if (r <= 0)
			return false;
		at += r;
		len -= (size_t)r;
	}
	return true;
}

/* Appends what comes next to c->in. */
static bool read_more(struct conn *c)
{
	short want;
	int64_t r;

	if (c->in_len == sizeof(c->in))
		return false;
	r = tls_read_once(c->ssl, TLS_API_PLAIN, c->in + c->in_len, sizeof(c->in) - c->in_len,
			  &want);
	if (r <= 0)
		return false;
	c->in_len += (size_t)r;
	return true;
}

static void use_up(struct conn *c, size_t len)
{
	memmove(c->in, c->in + len, c->in_len - len);
	c->in_len -= len;
}

/* Length of the head with its empty line; 0 at the end of the connection. */
static size_t read_head(struct conn *c)
{
	for (;;) {
		const char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);

		if (end)
			return (size_t)(end - c->in) + 4;
		if (!read_more(c))
			return 0;
	}
}

static struct str next_line(struct str *rest)
{
	struct str line = { 0 };

	str_next_part(rest, '\n', &line);
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

static void take_header(struct request *q, struct str line)
{
	struct str name, value;

	if (!str_next_part(&line, ':', &name))
		return;
	value = str_trim(line);
	if (str_eq_nocase(name, STR_LIT("content-length"))) {
		if (str_to_u64(value, 10, &q->length) < 0)
			q->length = UINT64_MAX;
	} else if (str_eq_nocase(name, STR_LIT("transfer-encoding"))) {
		q->chunked = true;
	} else if (str_eq_nocase(name, STR_LIT("expect"))) {
		q->expects_continue = str_eq_nocase(value, STR_LIT("100-continue"));
	} else if (str_eq_nocase(name, STR_LIT("connection"))) {
		q->close = str_eq_nocase(value, STR_LIT("close"));
	}
}

/* The views of `q` point into `head`. */
static bool parse_head(struct str head, struct request *q)
{
	struct str line = next_line(&head), target, version;

	*q = (struct request){ 0 };
	if (!str_next_part(&line, ' ', &q->method) || !str_next_part(&line, ' ', &target) ||
	    !str_next_part(&line, ' ', &version) || !str_next_part(&target, '?', &q->path))
		return false;
	q->query = target;
	q->close = str_eq(version, STR_LIT("HTTP/1.0"));
	while (head.len)
		take_header(q, next_line(&head));
	return true;
}

static struct str query_value(struct str query, const char *name)
{
	struct str part, key;

	while (str_next_part(&query, '&', &part))
		if (str_next_part(&part, '=', &key) && str_eq(key, str_from(name)))
			return part;
	return (struct str){ 0 };
}

static bool query_set(struct str query, const char *name)
{
	return str_eq(query_value(query, name), STR_LIT("1"));
}

static bool is_head(const struct request *q)
{
	return str_eq(q->method, STR_LIT("HEAD"));
}

/* `framing` is the header that says where the body ends, with its line end, or "". */
static bool send_head(struct conn *c, const struct request *q, unsigned status, const char *reason,
		      const char *type, const char *framing)
{
	char head[512];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 %u %s\r\nServer: plaintap-test\r\n%s%s%s%s%s\r\n", status,
			   reason, *type ? "Content-Type: " : "", type, *type ? "\r\n" : "",
			   framing, q->close ? "Connection: close\r\n" : "");

	return send_all(c, head, (size_t)len);
}

static bool answer(struct conn *c, const struct request *q, unsigned status, const char *reason,
		   const char *type, const void *body, size_t len)
{
	char framing[64];

	snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", len);
	return send_head(c, q, status, reason, type, framing) &&
	       (is_head(q) || send_all(c, body, len));
}

static bool answer_text(struct conn *c, const struct request *q, unsigned status,
			const char *reason)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "%u %s\n", status, reason);

	return answer(c, q, status, reason, "text/plain", text, (size_t)len);
}

static bool serve_user(struct conn *c, const struct request *q)
{
	static const char user[] = "{\n"
				   "  \"id\": 1,\n"
				   "  \"name\": \"Ada Lovelace\",\n"
				   "  \"email\": \"ada@example.org\",\n"
				   "  \"roles\": [\"admin\", \"author\"],\n"
				   "  \"active\": true\n"
				   "}\n";

	return answer(c, q, 200, "OK", "application/json", user, sizeof(user) - 1);
}

/* The body in one buffer; NULL when the connection ends before it does. */
static char *read_body(struct conn *c, size_t len)
{
	size_t have = c->in_len < len ? c->in_len : len;
	char *body = malloc(len ? len : 1);

	if (!body)
		die("tls_server: no memory");
	memcpy(body, c->in, have);
	use_up(c, have);
	while (have < len) {
		short want;
		int64_t r = tls_read_once(c->ssl, TLS_API_PLAIN, body + have, len - have, &want);

		if (r <= 0) {
			free(body);
			return NULL;
		}
		have += (size_t)r;
	}
	return body;
}

static bool serve_echo(struct conn *c, const struct request *q, const char *body)
{
	return answer(c, q, 200, "OK", "application/octet-stream", body, (size_t)q->length);
}

/* One write call's worth, framed as a chunk when asked. `buf` has FRAME_MAX bytes to spare. */
static bool send_piece(struct conn *c, char *buf, uint64_t offset, size_t len, bool chunked)
{
	size_t at = 0;

	if (chunked)
		at = (size_t)snprintf(buf, FRAME_MAX, "%zx\r\n", len);
	blocks_fill(buf + at, offset, len);
	at += len;
	if (chunked) {
		memcpy(buf + at, "\r\n", 2);
		at += 2;
	}
	return send_all(c, buf, at);
}

static bool send_blocks(struct conn *c, uint64_t size, size_t write_size, bool chunked)
{
	char *buf = malloc(write_size + FRAME_MAX);
	bool good = true;

	if (!buf)
		die("tls_server: no memory");
	for (uint64_t at = 0; good && at < size; at += write_size) {
		uint64_t left = size - at;

		good = send_piece(c, buf, at, left < write_size ? (size_t)left : write_size,
				  chunked);
	}
	free(buf);
	return good && (!chunked || send_all(c, "0\r\n\r\n", 5));
}

static bool serve_bytes(struct conn *c, struct request *q, struct str number)
{
	uint64_t size, write_size = WRITE_DEFAULT;
	struct str per_call = query_value(q->query, "write");
	bool chunked = query_set(q->query, "chunked");
	char framing[64] = "";

	if (str_to_size(number, &size) < 0 ||
	    (per_call.len && str_to_size(per_call, &write_size) < 0) || !write_size ||
	    write_size > WRITE_MAX)
		return answer_text(c, q, 400, "Bad Request");
	if (query_set(q->query, "close"))
		q->close = true;
	else if (chunked)
		snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked\r\n");
	else
		snprintf(framing, sizeof(framing), "Content-Length: %llu\r\n",
			 (unsigned long long)size);
	if (!send_head(c, q, 200, "OK", "text/plain", framing))
		return false;
	return is_head(q) || send_blocks(c, size, (size_t)write_size, chunked && framing[0]);
}

static bool serve_status(struct conn *c, const struct request *q, struct str code)
{
	uint64_t status;

	if (str_to_u64(code, 10, &status) < 0 || status < 200 || status > 599)
		return answer_text(c, q, 400, "Bad Request");
	if (status == 204 || status == 304)
		return send_head(c, q, (unsigned)status, "Without Body", "", "");
	return answer_text(c, q, (unsigned)status, "As Asked");
}

static bool cut_prefix(struct str path, const char *prefix, struct str *ret_rest)
{
	struct str p = str_from(prefix);

	if (!str_starts_with(path, p))
		return false;
	*ret_rest = str_make(path.p + p.len, path.len - p.len);
	return true;
}

static bool serve(struct conn *c, struct request *q, const char *body)
{
	struct str rest;

	c->api = str_eq(query_value(q->query, "api"), STR_LIT("ex")) ? TLS_API_EX : TLS_API_PLAIN;
	if (str_eq(q->path, STR_LIT("/echo")) || str_eq(q->path, STR_LIT("/continue")))
		return serve_echo(c, q, body);
	if (str_eq(q->path, STR_LIT("/users/1")))
		return serve_user(c, q);
	if (cut_prefix(q->path, "/bytes/", &rest))
		return serve_bytes(c, q, rest);
	if (cut_prefix(q->path, "/status/", &rest))
		return serve_status(c, q, rest);
	return answer_text(c, q, 404, "Not Found");
}

/* True when the server has served enough. */
static bool count_request(void)
{
	bool enough;

	pthread_mutex_lock(&conns_lock);
	requests_done++;
	enough = requests_max && requests_done >= requests_max;
	pthread_mutex_unlock(&conns_lock);
	return enough;
}

static bool refuse(struct conn *c, struct request *q, unsigned status, const char *reason)
{
	q->close = true;
	answer_text(c, q, status, reason);
	return false;
}

/* True when another request may follow. */
static bool serve_next(struct conn *c)
{
	size_t head_len = read_head(c);
	char *head = head_len ? malloc(head_len) : NULL;
	struct request q;
	char *body = NULL;
	bool again = false, enough = false;

	if (!head)
		return false;
	memcpy(head, c->in, head_len);
	use_up(c, head_len);
	if (!parse_head(str_make(head, head_len), &q))
		refuse(c, &q, 400, "Bad Request");
	else if (q.chunked)
		refuse(c, &q, 411, "Length Required");
	else if (q.length > BODY_MAX)
		refuse(c, &q, 413, "Content Too Large");
	else if ((!q.expects_continue || send_all(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) &&
		 (body = read_body(c, (size_t)q.length)))
		again = serve(c, &q, body) && !q.close;
	enough = count_request();
	free(body);
	free(head);
	if (enough && eventfd_write(stop_fd, 1) < 0)
		die("tls_server: eventfd: %m");
	return again && !enough;
}

/* -1 in `was` takes a free place, -1 in `now` gives it back. */
static bool conns_replace(int was, int now)
{
	bool found = false;

	pthread_mutex_lock(&conns_lock);
	for (size_t i = 0; i < CONN_MAX && !found; i++) {
		if (conns[i] == was) {
			conns[i] = now;
			found = true;
		}
	}
	if (found && now < 0)
		conns_cnt--;
	else if (found)
		conns_cnt++;
	pthread_cond_signal(&conns_changed);
	pthread_mutex_unlock(&conns_lock);
	return found;
}

static void *run_conn(void *arg)
{
	struct conn *c = arg;

	c->ssl = SSL_new(server_ctx);
	if (c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_accept(c->ssl) == 1) {
		while (serve_next(c))
			;
		SSL_shutdown(c->ssl);
	}
	SSL_free(c->ssl);
	/* Lets the peer read all before the close: unread input would turn it into a reset. */
	shutdown(c->fd, SHUT_WR);
	while (recv(c->fd, c->in, sizeof(c->in), 0) > 0)
		;
	conns_replace(c->fd, -1);
	close(c->fd);
	free(c);
	return NULL;
}

static void accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
	struct conn *c = fd < 0 ? NULL : calloc(1, sizeof(*c));
	pthread_t thread;

	if (!c || !conns_replace(-1, fd)) {
		if (fd >= 0)
			close(fd);
		free(c);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->fd = fd;
	if (pthread_create(&thread, NULL, run_conn, c))
		die("tls_server: no thread");
	pthread_detach(thread);
}

static int listen_on(uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("tls_server: listening on 127.0.0.1:%u: %m", port);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Wakes who waits for input; only a signal also cuts answers off. */
static void finish(bool by_signal)
{
	pthread_mutex_lock(&conns_lock);
	for (size_t i = 0; i < CONN_MAX; i++)
		if (conns[i] >= 0)
			shutdown(conns[i], by_signal ? SHUT_RDWR : SHUT_RD);
	while (conns_cnt)
		pthread_cond_wait(&conns_changed, &conns_lock);
	pthread_mutex_unlock(&conns_lock);
}

static void run(int listener, int signals)
{
	struct pollfd p[] = { { .fd = listener, .events = POLLIN },
			      { .fd = signals, .events = POLLIN },
			      { .fd = stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			die("tls_server: poll: %m");
		if (p[1].revents || p[2].revents)
			break;
		if (p[0].revents)
			accept_one(listener);
	}
	finish(p[1].revents);
}

static const char usage[] = "usage: tls_server [--port N] [--requests N] [--tls 1.2|1.3] "
			    "[--write-cert DIR]\n";

static uint64_t number(const char *given)
{
	uint64_t n;

	if (str_to_u64(str_from(given), 10, &n) < 0)
		die("tls_server: '%s' is not a number", given);
	return n;
}

/* Returns the port. */
static uint16_t parse(int argc, char **argv)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
						 { "requests", required_argument, NULL, 'r' },
						 { "tls", required_argument, NULL, 't' },
						 { "write-cert", required_argument, NULL, 'w' },
						 { NULL, 0, NULL, 0 } };
	uint16_t port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p') {
			port = (uint16_t)number(optarg);
		} else if (c == 'r') {
			requests_max = number(optarg);
		} else if (c == 't') {
			tls_ctx_set_version(server_ctx, optarg);
		} else if (c == 'w') {
			tls_identity_save(server_ctx, optarg);
			exit(0);
		} else {
			fputs(usage, stderr);
			exit(2);
		}
	}
	return port;
}

int main(int argc, char **argv)
{
	uint16_t port;
	int listener, signals;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	server_ctx = tls_server_ctx_new();
	port = parse(argc, argv);
	for (size_t i = 0; i < CONN_MAX; i++)
		conns[i] = -1;
	signals = block_signals();
	stop_fd = eventfd(0, EFD_CLOEXEC);
	listener = listen_on(port, &port);
	printf("READY %u\n", port);
	fflush(stdout);
	run(listener, signals);
	SSL_CTX_free(server_ctx);
	return 0;
}

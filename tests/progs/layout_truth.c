// SPDX-License-Identifier: BSD-2-Clause
/*
 * Looks at a TLS library's objects where `plaintap ls --probes` says that their fields are, and
 * compares with what is known from the outside: descriptors that it opened itself, the role and
 * version that it asked for, addresses that it was given.
 *
 *	layout_truth LIBCRYPTO LIBSSL FIELD=0xOFFSET[,0xOFFSET] … [type=0xOFFSET,VALUE]
 *
 * Says "good FIELD" or "bad FIELD: …" for each look; exit status 0 when all are good. The libraries
 * are loaded by name, so one program serves all versions. The handshake needs no certificate.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FIELD_MAX = 32,
	VERSION = 0x0303,
	CIPHER = 0xc019,
	SOCKET_TYPE = 0x0505,
	MEM_TYPE = 0x0401,
	RANDOM_LEN = 32,
};

#define FUNCTIONS(X)                                                                      \
	X(void *, TLS_method, void)                                                       \
	X(void *, SSL_CTX_new, void *)                                                    \
	X(int, SSL_CTX_set_cipher_list, void *, const char *)                             \
	X(long, SSL_CTX_ctrl, void *, int, long, void *)                                  \
	X(int, SSL_CTX_set_alpn_protos, void *, const unsigned char *, unsigned)          \
	X(void, SSL_CTX_set_alpn_select_cb, void *,                                       \
	  int (*)(void *, const unsigned char **, unsigned char *, const unsigned char *, \
		  unsigned, void *),                                                      \
	  void *)                                                                         \
	X(long, SSL_ctrl, void *, int, long, void *)                                      \
	X(void *, SSL_new, void *)                                                        \
	X(int, SSL_set_fd, void *, int)                                                   \
	X(void, SSL_set_connect_state, void *)                                            \
	X(void, SSL_set_accept_state, void *)                                             \
	X(int, SSL_do_handshake, void *)                                                  \
	X(int, SSL_shutdown, void *)                                                      \
	X(int, SSL_read, void *, void *, int)                                             \
	X(void, SSL_set_quiet_shutdown, void *, int)                                      \
	X(void *, SSL_get_session, const void *)                                          \
	X(int, SSL_SESSION_set1_hostname, void *, const char *)                           \
	X(size_t, SSL_get_client_random, const void *, unsigned char *, size_t)           \
	X(size_t, SSL_get_server_random, const void *, unsigned char *, size_t)           \
	X(void *, BIO_new, void *)                                                        \
	X(void *, BIO_s_mem, void)                                                        \
	X(void *, BIO_s_socket, void)                                                     \
	X(void *, BIO_f_buffer, void)                                                     \
	X(void *, BIO_push, void *, void *)                                               \
	X(void, BIO_set_data, void *, void *)

#define DECLARE(type, name, ...) static type (*name##_)(__VA_ARGS__);
FUNCTIONS(DECLARE)

struct field {
	char name[32];
	unsigned long steps[2];
	unsigned step_cnt;
};

static struct field fields[FIELD_MAX];
static unsigned field_cnt;
static int failures;

static void check(const char *what, uint64_t got, uint64_t want)
{
	if (got == want) {
		printf("good %s\n", what);
		return;
	}
	printf("bad %s: 0x%llx, should be 0x%llx\n", what, (unsigned long long)got,
	       (unsigned long long)want);
	failures++;
}

static const struct field *find(const char *name)
{
	for (unsigned i = 0; i < field_cnt; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

/* `len` bytes of the field, as a number; 0 when it was not given. */
static uint64_t look(const void *object, const char *name, size_t len)
{
	const struct field *f = find(name);
	const char *at = object;
	uint64_t value = 0;

	if (!f)
		return 0;
	for (unsigned i = 0; i + 1 < f->step_cnt; i++)
		memcpy(&at, at + f->steps[i], sizeof(at));
	memcpy(&value, at + f->steps[f->step_cnt - 1], len);
	return value;
}

static void check_field(const void *object, const char *name, size_t len, uint64_t want)
{
	if (find(name))
		check(name, look(object, name, len), want);
}

/* From a connection's field to the descriptor, the way that model/tls_layout.h tells. */
static void check_socket(const void *ssl, const char *field, int fd)
{
	const void *bio = (const void *)(uintptr_t)look(ssl, field, 8);

	while (bio && look(bio, "bio_type", 4) & 0x0200)
		bio = (const void *)(uintptr_t)look(bio, "bio_next", 8);
	if (!bio) {
		check(field, 0, 1);
		return;
	}
	check_field(bio, "bio_type", 4, SOCKET_TYPE);
	check_field(bio, "bio_init", 4, 1);
	check_field(bio, "bio_num", 4, (uint64_t)fd);
	printf("good %s\n", field);
}

/* Where the field is, the way that its steps tell; NULL: it was not given. */
static const char *find_bytes(const void *object, const char *name)
{
	const struct field *f = find(name);
	const char *at = object;

	if (!f)
		return NULL;
	for (unsigned i = 0; i + 1 < f->step_cnt; i++)
		memcpy(&at, at + f->steps[i], sizeof(at));
	return at + f->steps[f->step_cnt - 1];
}

static void check_random(const void *ssl, const char *name,
			 size_t (*get)(const void *, unsigned char *, size_t))
{
	unsigned char want[RANDOM_LEN];
	const char *at = find_bytes(ssl, name);

	if (at && get(ssl, want, sizeof(want)) == sizeof(want))
		check(name, memcmp(at, want, sizeof(want)) == 0, 1);
}

static void check_connection(const void *ssl, int is_server, int fd)
{
	const struct field *type = find("type");
	const void *cipher = (const void *)(uintptr_t)look(ssl, "cipher", 8);
	const char *alpn = (const char *)(uintptr_t)look(ssl, "alpn", 8);
	const char *name = (const char *)(uintptr_t)look(ssl, "server_name", 8);

	if (type) {
		uint32_t value;

		memcpy(&value, (const char *)ssl + type->steps[0], sizeof(value));
		check("type", value, type->steps[1]);
	}
	check_socket(ssl, "rbio", fd);
	check_socket(ssl, "wbio", fd);
	check_field(ssl, "version", 4, VERSION);
	check_field(ssl, "is_server", 4, (uint64_t)is_server);
	check_field(ssl, "alpn_len", 4, 2);
	check("alpn", alpn && memcmp(alpn, "h2", 2) == 0, 1);
	check("server_name", name && strcmp(name, "layout.example") == 0, 1);
	check("cipher", cipher != NULL, 1);
	check_random(ssl, "client_random", SSL_get_client_random_);
	check_random(ssl, "server_random", SSL_get_server_random_);
	if (cipher)
		check("cipher_id", look(cipher, "cipher_id", 4) & 0xffff, CIPHER);
}

static void check_bios(void)
{
	void *mem = BIO_new_(BIO_s_mem_()), *filter = BIO_new_(BIO_f_buffer_());
	void *idle = BIO_new_(BIO_s_socket_());

	check_field(mem, "bio_type", 4, MEM_TYPE);
	check_field(idle, "bio_type", 4, SOCKET_TYPE);
	check_field(idle, "bio_init", 4, 0);
	check_field(filter, "bio_next", 8, 0);
	BIO_push_(filter, mem);
	check_field(filter, "bio_next", 8, (uintptr_t)mem);
	BIO_set_data_(idle, &failures);
	check_field(idle, "bio_data", 8, (uintptr_t)&failures);
}

static void check_ending(void *client, void *server)
{
	enum { SENT = 1, RECEIVED = 2 };
	char byte;

	check_field(client, "shutdown", 4, 0);
	check_field(client, "quiet_shutdown", 4, 0);
	check_field(client, "in_init", 4, 0);
	SSL_shutdown_(client);
	SSL_read_(server, &byte, 1);
	check_field(client, "shutdown", 4, SENT);
	check_field(server, "shutdown", 4, RECEIVED);
	SSL_shutdown_(server);
	check_field(server, "shutdown", 4, SENT | RECEIVED);
	SSL_set_quiet_shutdown_(server, 1);
	check_field(server, "quiet_shutdown", 4, 1);
	check_field(client, "quiet_shutdown", 4, 0);
}

/* That of the session, which the client's and the server's object share here or not. */
static void check_session_name(const void *ssl)
{
	const char *name;

	if (!find("session_name"))
		return;
	SSL_SESSION_set1_hostname_(SSL_get_session_(ssl), "session.example");
	name = (const char *)(uintptr_t)look(ssl, "session_name", 8);
	check("session_name", name && strcmp(name, "session.example") == 0, 1);
}

static int select_alpn(void *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned in_len, void *user)
{
	(void)ssl, (void)in, (void)in_len, (void)user;
	*out = (const unsigned char *)"h2";
	*out_len = 2;
	return 0;
}

static void *new_context(void)
{
	enum { SET_MAX_PROTO_VERSION = 124 };
	void *ctx = SSL_CTX_new_(TLS_method_());

	if (!ctx || !SSL_CTX_set_cipher_list_(ctx, "AECDH-AES256-SHA:@SECLEVEL=0") ||
	    !SSL_CTX_ctrl_(ctx, SET_MAX_PROTO_VERSION, VERSION, NULL))
		return NULL;
	SSL_CTX_set_alpn_protos_(ctx, (const unsigned char *)"\x08http/1.1\x02h2", 12);
	SSL_CTX_set_alpn_select_cb_(ctx, select_alpn, NULL);
	return ctx;
}

static int run(void)
{
	void *ctx = new_context(), *client = ctx ? SSL_new_(ctx) : NULL;
	void *server = client ? SSL_new_(ctx) : NULL;
	int ends[2], client_done = 0, server_done = 0;
	enum { SET_HOST_NAME = 55 };
	char name[] = "layout.example";

	if (!server || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	/* Numbers that are found nowhere by chance. */
	ends[0] = fcntl(ends[0], F_DUPFD, 211);
	ends[1] = fcntl(ends[1], F_DUPFD, 223);
	SSL_set_fd_(client, ends[0]);
	SSL_set_fd_(server, ends[1]);
	SSL_ctrl_(client, SET_HOST_NAME, 0, name);
	SSL_set_connect_state_(client);
	SSL_set_accept_state_(server);
	client_done = SSL_do_handshake_(client) == 1;
	/* In the middle of it there is a buffer before the socket. */
	check_socket(client, "rbio", ends[0]);
	check_socket(client, "wbio", ends[0]);
	check_field(client, "alpn", 8, 0);
	check_field(client, "in_init", 4, 1);
	for (int i = 0; i < 10 && !(client_done && server_done); i++) {
		server_done |= SSL_do_handshake_(server) == 1;
		client_done |= SSL_do_handshake_(client) == 1;
	}
	if (!client_done || !server_done)
		return -1;
	check_connection(client, 0, ends[0]);
	check_connection(server, 1, ends[1]);
	check_session_name(client);
	check_session_name(server);
	check_ending(client, server);
	check_bios();
	return 0;
}

static int load(const char *crypto, const char *ssl)
{
	void *a = dlopen(crypto, RTLD_NOW | RTLD_GLOBAL);
	void *b = a ? dlopen(ssl, RTLD_NOW | RTLD_GLOBAL) : NULL;

	if (!b) {
		fprintf(stderr, "layout_truth: %s\n", dlerror());
		return -1;
	}
#define LOAD(type, name, ...)                                             \
	*(void **)&name##_ = dlsym(b, #name);                             \
	if (!name##_)                                                     \
		*(void **)&name##_ = dlsym(a, #name);                     \
	if (!name##_) {                                                   \
		fprintf(stderr, "layout_truth: there is no %s\n", #name); \
		return -1;                                                \
	}
	FUNCTIONS(LOAD)
	return 0;
}

static int add_field(const char *word)
{
	const char *equal = strchr(word, '=');
	struct field *f = &fields[field_cnt];
	char *end;

	if (!equal || field_cnt == FIELD_MAX || (size_t)(equal - word) >= sizeof(f->name))
		return -1;
	memcpy(f->name, word, (size_t)(equal - word));
	f->steps[f->step_cnt++] = strtoul(equal + 1, &end, 0);
	if (*end == ',')
		f->steps[f->step_cnt++] = strtoul(end + 1, &end, 0);
	field_cnt++;
	return *end ? -1 : 0;
}

int main(int argc, char **argv)
{
	for (int i = 3; i < argc; i++)
		if (add_field(argv[i]) < 0)
			argc = 0;
	if (argc < 4) {
		fprintf(stderr,
			"usage: layout_truth LIBCRYPTO LIBSSL FIELD=0xOFFSET[,0xOFFSET]…\n");
		return 2;
	}
	if (load(argv[1], argv[2]) < 0)
		return 3;
	if (run() < 0) {
		fprintf(stderr, "layout_truth: no handshake\n");
		return 1;
	}
	return failures != 0;
}

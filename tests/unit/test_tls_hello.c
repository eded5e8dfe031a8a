// SPDX-License-Identifier: BSD-2-Clause
/*
 * Hellos that OpenSSL sent (tests/fuzz/corpus/tls_hello, one byte of flags before each), and
 * made-up ones, right in the beginning; each case changes one thing of these.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/tls_names.h"
#include "proto/tls_hello.h"
#include "tap.h"

enum { BYTES_MAX = 4096 };

struct bytes {
	uint8_t data[BYTES_MAX];
	size_t len;
};

static void put(struct bytes *b, const void *data, size_t len)
{
	if (len > BYTES_MAX - b->len)
		abort();
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void put_number(struct bytes *b, unsigned value, unsigned size)
{
	for (unsigned i = size; i-- > 0;) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		put(b, &byte, 1);
	}
}

/* Pairs of hexadecimal digits; blanks are left out. */
static void put_hex(struct bytes *b, const char *text)
{
	for (; *text; text++) {
		char pair[3] = { text[0], 0, 0 };

		if (*text == ' ')
			continue;
		pair[1] = *++text;
		put_number(b, (unsigned)strtoul(pair, NULL, 16), 1);
	}
}

static void wrap(struct bytes *to, unsigned type, const struct bytes *message)
{
	put_hex(to, "160301");
	put_number(to, (unsigned)message->len + 4, 2);
	put_number(to, type, 1);
	put_number(to, (unsigned)message->len, 3);
	put(to, message->data, message->len);
}

/* A ClientHello whose extensions are `hex`; NULL: it has none, not even their length. */
static struct bytes client_hello(const char *hex)
{
	struct bytes extensions = { .len = 0 }, message = { .len = 0 }, whole = { .len = 0 };

	put_hex(&message, "0303");
	for (unsigned i = 0; i < TLS_RANDOM_LEN; i++)
		put_number(&message, i, 1);
	put_hex(&message, "00 0004 1301 c02f 01 00");
	if (hex) {
		put_hex(&extensions, hex);
		put_number(&message, (unsigned)extensions.len, 2);
		put(&message, extensions.data, extensions.len);
	}
	wrap(&whole, 1, &message);
	return whole;
}

static struct bytes server_hello(const char *random, const char *hex)
{
	struct bytes extensions = { .len = 0 }, message = { .len = 0 }, whole = { .len = 0 };

	put_hex(&message, "0303");
	put_hex(&message, random);
	put_hex(&message, "00 1302 00");
	put_hex(&extensions, hex);
	put_number(&message, (unsigned)extensions.len, 2);
	put(&message, extensions.data, extensions.len);
	wrap(&whole, 2, &message);
	return whole;
}

#define RANDOM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define RETRY	 "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
#define V13	 "002b 0002 0304"

static enum tls_hello_status feed_all(struct tls_hello *h, const struct bytes *b)
{
	uint8_t *copy = guarded_copy(b->data, b->len);
	enum tls_hello_status status;

	tls_hello_init(h, NULL);
	status = tls_hello_feed(h, copy, b->len);
	guarded_free(copy, b->len);
	return status;
}

/* What is known of it, in one line. */
static void describe(const struct tls_hello *h, char *to, size_t size)
{
	static const char *const statuses[] = { "more", "done", "absent", "not-tls" };
	struct str rest = str_make(h->alpn, h->alpn_len), name;
	int len = snprintf(to, size, "%s%s", statuses[h->status], h->is_server ? " server" : "");

	if (h->status == TLS_HELLO_ABSENT || h->status == TLS_HELLO_NOT_TLS)
		len += snprintf(to + len, size - (size_t)len, " (%s)", h->reason);
	for (size_t i = 0; i < h->version_cnt; i++)
		len += snprintf(to + len, size - (size_t)len, " %04x", h->versions[i]);
	if (h->cipher)
		len += snprintf(to + len, size - (size_t)len, " cipher=%04x", h->cipher);
	if (h->server_name[0])
		len += snprintf(to + len, size - (size_t)len, " sni=%s", h->server_name);
	while (tls_hello_alpn_next(&rest, &name))
		len += snprintf(to + len, size - (size_t)len, " alpn=%.*s", STR_FMT(name));
	snprintf(to + len, size - (size_t)len, "%s%s", h->retried ? " retried" : "",
		 h->has_encrypted_hello ? " ech" : "");
}

static void check(const char *what, const struct bytes *b, const char *want)
{
	struct tls_hello h;
	char got[1024];

	feed_all(&h, b);
	describe(&h, got, sizeof(got));
	OK_MSG(strcmp(got, want) == 0, "%s: \"%s\" is \"%s\"", what, got, want);
	tls_hello_done(&h);
}

static struct bytes corpus(const char *name)
{
	struct bytes b = { .len = 0 };
	const char *root = getenv("PLAINTAP_SOURCE_ROOT");
	char path[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/tls_hello/%s", root ? root : ".", name);
	in = fopen(path, "rb");
	if (!in || fgetc(in) == EOF)
		abort();
	b.len = fread(b.data, 1, sizeof(b.data), in);
	fclose(in);
	return b;
}

static const struct {
	const char *name, *want;
	size_t random_at;
} real[] = {
	{ "client-13", "done 0304 0303 0302 0301 sni=api.example.com alpn=h2 alpn=http/1.1", 11 },
	{ "server-13", "done server 0304 cipher=1302", 11 },
	{ "client-12", "done 0303 sni=api.example.com alpn=h2 alpn=http/1.1", 11 },
	{ "server-12", "done server 0303 cipher=c02f alpn=h2", 11 },
	{ "client-11", "done 0302 sni=old.example", 11 },
	{ "server-11", "done server 0302 cipher=c014", 11 },
	{ "client-bare", "done 0303", 11 },
	{ "client-retry", "done 0304 0303 0302 0301 sni=retry.example", 11 },
	/* 88 bytes of record with the request, 6 with a change of ciphers, then the true one. */
	{ "server-retry", "done server 0304 cipher=1302 retried", 93 + 6 + 11 },
	{ "client-fragments",
	  "done 0304 0303 0302 0301 sni=a.example alpn=protocol-number-0000 alpn=protocol-number-0001 "
	  "alpn=protocol-number-0002 alpn=protocol-number-0003 alpn=protocol-number-0004 "
	  "alpn=protocol-number-0005 alpn=protocol-number-0006 alpn=protocol-number-0007 "
	  "alpn=protocol-number-0008 alpn=protocol-number-0009 alpn=protocol-number-0010 "
	  "alpn=protocol-number-0011",
	  11 },
	{ "server-alert", "absent (an alert comes first)", 0 },
	{ "http", "not-tls (it does not begin like TLS)", 0 },
};

#define REAL_CNT (sizeof(real) / sizeof(real[0]))

static void test_real(void)
{
	for (size_t i = 0; i < REAL_CNT; i++) {
		struct bytes b = corpus(real[i].name);
		struct tls_hello h;

		check(real[i].name, &b, real[i].want);
		feed_all(&h, &b);
		if (h.status == TLS_HELLO_DONE)
			BYTES_EQ(h.random, sizeof(h.random), b.data + real[i].random_at,
				 TLS_RANDOM_LEN);
		tls_hello_done(&h);
	}
}

struct split_case {
	struct bytes bytes;
	char want[1024];
	unsigned wrong, cnt;
};

static void feed_split(void *user, const size_t *cuts, size_t cut_cnt)
{
	struct split_case *c = user;
	struct tls_hello h;
	char got[1024];
	size_t at = 0;

	tls_hello_init(&h, NULL);
	for (size_t i = 0; i <= cut_cnt; i++) {
		size_t end = i < cut_cnt ? cuts[i] : c->bytes.len;
		uint8_t *piece = malloc(end - at ? end - at : 1);

		memcpy(piece, c->bytes.data + at, end - at);
		tls_hello_feed(&h, piece, end - at);
		free(piece);
		at = end;
	}
	describe(&h, got, sizeof(got));
	c->wrong += strcmp(got, c->want) != 0;
	c->cnt++;
	tls_hello_done(&h);
}

static void test_every_split(void)
{
	static struct split_case c;

	for (size_t i = 0; i < REAL_CNT; i++) {
		c = (struct split_case){ .bytes = corpus(real[i].name) };
		snprintf(c.want, sizeof(c.want), "%s", real[i].want);
		for_each_split(c.bytes.len, feed_split, &c);
		OK_MSG(c.cnt > 10 && !c.wrong, "%s: %u of %u splits differ", real[i].name, c.wrong,
		       c.cnt);
	}
}

/* The same message in records of every size. */
static void test_every_record_size(void)
{
	struct bytes b = corpus("client-13");
	unsigned wrong = 0;
	char got[1024];

	for (size_t size = 6; size < b.len; size++) {
		struct bytes cut = { .len = 0 };
		struct tls_hello h;

		for (size_t at = 5; at < b.len; at += size) {
			size_t len = b.len - at < size ? b.len - at : size;

			put_hex(&cut, "160301");
			put_number(&cut, (unsigned)len, 2);
			put(&cut, b.data + at, len);
		}
		feed_all(&h, &cut);
		describe(&h, got, sizeof(got));
		wrong += strcmp(got, real[0].want) != 0;
		tls_hello_done(&h);
	}
	INT_EQ(wrong, 0);
}

static void test_cut_and_gap(void)
{
	struct bytes b = corpus("client-13");
	unsigned early = 0;
	struct tls_hello h;

	for (size_t len = 0; len < b.len; len++) {
		struct bytes cut = b;

		cut.len = len;
		early += feed_all(&h, &cut) != TLS_HELLO_MORE;
		INT_EQ(tls_hello_gap(&h), TLS_HELLO_ABSENT);
		early += tls_hello_feed(&h, b.data + len, b.len - len) != TLS_HELLO_ABSENT;
		tls_hello_done(&h);
	}
	INT_EQ(early, 0);
	feed_all(&h, &b);
	INT_EQ(tls_hello_gap(&h), TLS_HELLO_DONE);
	INT_EQ(tls_hello_feed(&h, "\xff", 1), TLS_HELLO_DONE);
	tls_hello_done(&h);
}

/* Every byte of a hello with every value: nothing is read outside, and what is told is sound. */
static void test_every_byte_changed(void)
{
	static const char *const names[] = { "client-12", "server-13", "server-retry" };
	unsigned unsound = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bytes b = corpus(names[i]);
		uint8_t *copy = guarded_copy(b.data, b.len);

		for (size_t at = 0; at < b.len; at++)
			for (unsigned value = 0; value < 256; value++) {
				struct tls_hello h;
				uint8_t was = copy[at];

				copy[at] = (uint8_t)value;
				tls_hello_init(&h, NULL);
				tls_hello_feed(&h, copy, b.len);
				copy[at] = was;
				unsound += h.alpn_len > TLS_ALPN_MAX ||
					   h.version_cnt > TLS_VERSION_MAX ||
					   (h.status > TLS_HELLO_DONE && !h.reason) ||
					   (h.status == TLS_HELLO_NOT_TLS && h.server_name[0]);
				tls_hello_done(&h);
			}
		guarded_free(copy, b.len);
	}
	INT_EQ(unsound, 0);
}

static const struct {
	const char *what, *extensions, *want;
} clients[] = {
	{ "no extensions", NULL, "done 0303" },
	{ "an empty list of them", "", "done 0303" },
	{ "one that is not known", "1234 0003 010203", "done 0303" },
	{ "a name", "0000 0006 0004 00 0001 61", "done 0303 sni=a" },
	{ "the second kind of name only", "0000 0006 0004 07 0001 61", "done 0303" },
	{ "two names", "0000 000a 0008 00 0001 61 00 0001 62", "done 0303 sni=a" },
	{ "an unprintable name", "0000 0007 0005 00 0002 6100", "done 0303" },
	{ "a name with a blank", "0000 0007 0005 00 0002 6120", "done 0303" },
	{ "an empty name", "0000 0005 0003 00 0000",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "a name past its list", "0000 0006 0004 00 0002 61",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "a list of names past its extension", "0000 0006 0005 00 0001 61",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "a byte behind the names", "0000 0007 0004 00 0001 61 00",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "names twice", "0000 0006 0004 00 0001 61 0000 0006 0004 00 0001 62",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "ALPN", "0010 0005 0003 02 6832", "done 0303 alpn=h2" },
	{ "an empty ALPN", "0010 0002 0000", "not-tls (the hello breaks the rules of TLS)" },
	{ "an empty name in ALPN", "0010 0003 0001 00",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "versions with GREASE", "002b 0007 06 fafa 0304 0303", "done 0304 0303" },
	{ "half a version", "002b 0004 03 0304 03", "not-tls (the hello breaks the rules of TLS)" },
	{ "no version", "002b 0001 00", "not-tls (the hello breaks the rules of TLS)" },
	{ "an encrypted hello", "fe0d 0001 00", "done 0303 ech" },
	{ "an extension past its end", "1234 0003 0102",
	  "not-tls (the hello breaks the rules of TLS)" },
	{ "half an extension", "1234 00", "not-tls (the hello breaks the rules of TLS)" },
};

static void test_clients(void)
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
		struct bytes b = client_hello(clients[i].extensions);

		check(clients[i].what, &b, clients[i].want);
	}
}

/* A name of `len` bytes "a". */
static void check_long_name(size_t len, bool kept)
{
	char hex[2048];
	int at = snprintf(hex, sizeof(hex), "0000 %04zx %04zx 00 %04zx", len + 5, len + 3, len);
	struct bytes b;
	struct tls_hello h;

	for (size_t i = 0; i < len; i++)
		at += snprintf(hex + at, sizeof(hex) - (size_t)at, "61");
	b = client_hello(hex);
	INT_EQ(feed_all(&h, &b), TLS_HELLO_DONE);
	INT_EQ(strlen(h.server_name), kept ? len : 0);
	tls_hello_done(&h);
}

/* A hello with a session id of `len` bytes. */
static void check_session(uint8_t len, const char *want)
{
	enum { SESSION = 43 };
	struct bytes plain = client_hello(NULL), b = { .len = 0 };

	put(&b, plain.data, SESSION);
	put_number(&b, len, 1);
	put(&b, plain.data, len);
	put(&b, plain.data + SESSION + 1, plain.len - SESSION - 1);
	b.data[4] = (uint8_t)(b.data[4] + len);
	b.data[8] = (uint8_t)(b.data[8] + len);
	check("a session id", &b, want);
}

static void test_sessions(void)
{
	check_session(32, "done 0303");
	check_session(33, "not-tls (the hello breaks the rules of TLS)");
}

static void test_long_names(void)
{
	check_long_name(TLS_SERVER_NAME_MAX - 1, true);
	check_long_name(TLS_SERVER_NAME_MAX, false);
}

/* One byte of a hello without extensions. */
static void check_changed(const char *what, size_t at, uint8_t value, const char *want)
{
	struct bytes b = client_hello(NULL);

	b.data[at] = value;
	check(what, &b, want);
}

static void test_head(void)
{
	static const char bad[] = "not-tls (the hello breaks the rules of TLS)";
	enum { VERSION = 9, CIPHERS = 45, COMPRESSION = 50 };
	struct bytes b = client_hello(NULL);

	check_changed("another version's head", VERSION, 2, bad);
	check_changed("half a cipher", CIPHERS, 3, bad);
	check_changed("no cipher", CIPHERS, 0, bad);
	check_changed("no compression", COMPRESSION, 0, bad);
	check_changed("a record of another version", 1, 2, "not-tls (it does not begin like TLS)");
	check_changed("a record of the future", 2, 5, "not-tls (it does not begin like TLS)");
	check_changed("another message", 5, 11, "absent (another handshake message comes first)");
	check_changed("data", 0, 23, "absent (it is past the handshake)");
	check_changed("a change of ciphers", 0, 20, "absent (it is past the hello)");
	check_changed("no record", 0, 24, "not-tls (it does not begin like TLS)");
	check_changed("a long hello", 6, 2, "absent (the hello is longer than the limit)");
	b.data[3] = 0x40;
	b.data[4] = 0x01;
	check("a long record", &b, "not-tls (a record is too long)");
	b.data[3] = b.data[4] = 0;
	check("an empty record", &b, "not-tls (it does not begin like TLS)");
}

static void test_servers(void)
{
	struct bytes b = server_hello(RANDOM_A, V13), retry = server_hello(RETRY, V13);
	struct bytes client = client_hello(NULL);

	check("TLS 1.3", &b, "done server 0304 cipher=1302");
	b = server_hello(RANDOM_A, "0000 0000 0010 0005 0003 02 6832");
	check("TLS 1.2", &b, "done server 0303 cipher=1302 alpn=h2");
	b = server_hello(RANDOM_A, "0010 0008 0006 02 6832 02 6833");
	check("two choices", &b, "not-tls (the hello breaks the rules of TLS)");
	b = server_hello(RANDOM_A, "002b 0003 02 0304");
	check("a list of versions", &b, "not-tls (the hello breaks the rules of TLS)");
	check("a request for another hello", &retry, "more server 0304 cipher=1302 retried");
	b = retry;
	put(&b, retry.data, retry.len);
	check("two of them", &b,
	      "not-tls server (the server asks for another hello twice) 0304 cipher=1302 retried");
	b = retry;
	put_hex(&b, "140303 0001 01");
	check("with a change of ciphers", &b, "more server 0304 cipher=1302 retried");
	put_hex(&b, "140303 0002 0101");
	check("a long one", &b,
	      "not-tls server (a change of ciphers is out of place) 0304 cipher=1302 retried");
	b = retry;
	put(&b, client.data, client.len);
	check("then a client's", &b,
	      "not-tls server (a server does not send a client's hello) 0304 cipher=1302 retried");
}

static void test_limits(void)
{
	const struct tls_hello_limits small = { .message_max = 40 }, few = { .record_max = 2 };
	struct bytes b = client_hello(NULL), pieces = { .len = 0 };
	struct tls_hello h;

	tls_hello_init(&h, &small);
	INT_EQ(tls_hello_feed(&h, b.data, b.len), TLS_HELLO_ABSENT);
	tls_hello_done(&h);
	for (size_t at = 5; at < b.len; at++) {
		put_hex(&pieces, "160301 0001");
		put(&pieces, b.data + at, 1);
	}
	check("a record a byte", &pieces, "done 0303");
	tls_hello_init(&h, &few);
	INT_EQ(tls_hello_feed(&h, pieces.data, pieces.len), TLS_HELLO_ABSENT);
	C_STR_EQ(h.reason, "the hello is in more records than the limit");
	tls_hello_done(&h);
}

static void test_without_memory(void)
{
	struct bytes b = client_hello(NULL);
	struct tls_hello h;

	tls_hello_init(&h, NULL);
	fail_alloc_at(1);
	INT_EQ(tls_hello_feed(&h, b.data, b.len), TLS_HELLO_ABSENT);
	OK(fail_alloc_hit());
	fail_alloc_at(0);
	C_STR_EQ(h.reason, "there is no memory for the hello");
	tls_hello_done(&h);
}

static void test_names(void)
{
	static const struct {
		uint16_t number;
		const char *name;
	} ciphers[] = {
		{ 0x0001, "TLS_RSA_WITH_NULL_MD5" },
		{ 0x1301, "TLS_AES_128_GCM_SHA256" },
		{ 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
		{ 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
		{ 0xccae, "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256" },
		{ 0x0a0a, "0x0a0a" },
		{ 0x0000, "0x0000" },
		{ 0xffff, "0xffff" },
	};
	char name[TLS_NAME_MAX];

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		tls_cipher_name(ciphers[i].number, name);
		C_STR_EQ(name, ciphers[i].name);
	}
	tls_version_name(0x0304, name);
	C_STR_EQ(name, "TLS 1.3");
	tls_version_name(0xfefd, name);
	C_STR_EQ(name, "DTLS 1.2");
	tls_version_name(0x7f1c, name);
	C_STR_EQ(name, "0x7f1c");
}

/* All that the table has are found: it is in order. */
static void test_all_names(void)
{
	unsigned named = 0;
	char name[TLS_NAME_MAX];

	for (unsigned i = 0; i <= UINT16_MAX; i++) {
		tls_cipher_name((uint16_t)i, name);
		named += strncmp(name, "TLS_", 4) == 0;
	}
	INT_EQ(named, 170);
}

int main(void)
{
	RUN(test_real);
	RUN(test_every_split);
	RUN(test_every_record_size);
	RUN(test_cut_and_gap);
	RUN(test_every_byte_changed);
	RUN(test_clients);
	RUN(test_sessions);
	RUN(test_long_names);
	RUN(test_head);
	RUN(test_servers);
	RUN(test_limits);
	RUN(test_without_memory);
	RUN(test_names);
	RUN(test_all_names);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three layers: records (feed), handshake messages in them (take_fragment), and the hello itself,
 * read when it is whole (read_hello). Nothing is taken from a hello that breaks a rule.
 */
#include "tls_hello.h"

#include <string.h>

#include "base/reader.h"

enum {
	RECORD_CHANGE_CIPHER = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_LEN_MAX = 1 << 14,
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_HEAD_LEN = 4,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
	EXTENSION_ENCRYPTED_HELLO = 0xfe0d,
	SESSION_ID_MAX = 32,
	MESSAGE_MAX = 65536,
	RECORD_MAX = 64,
};

/* RFC 8446, 4.1.3: the random of a ServerHello that is a HelloRetryRequest. */
static const uint8_t retry_random[TLS_RANDOM_LEN] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

void tls_hello_init(struct tls_hello *h, const struct tls_hello_limits *limits)
{
	*h = (struct tls_hello){ .status = TLS_HELLO_MORE };
	if (limits)
		h->limits = *limits;
	if (!h->limits.message_max)
		h->limits.message_max = MESSAGE_MAX;
	if (!h->limits.record_max)
		h->limits.record_max = RECORD_MAX;
	buf_init(&h->message, h->limits.message_max + MESSAGE_HEAD_LEN);
}

void tls_hello_done(struct tls_hello *h)
{
	buf_done(&h->message);
}

static void end(struct tls_hello *h, enum tls_hello_status status, const char *reason)
{
	h->status = status;
	h->reason = reason;
	buf_done(&h->message);
}

static uint16_t read_u16(struct reader *r)
{
	uint16_t high = reader_u8(r);

	return (uint16_t)(high << 8 | reader_u8(r));
}

/* A vector with a length of 1 or 2 bytes before it. */
static struct reader read_vector(struct reader *r, unsigned len_size)
{
	size_t len = len_size == 1 ? reader_u8(r) : read_u16(r);
	const uint8_t *data = reader_bytes(r, len);
	struct reader vector;

	reader_init(&vector, data, data ? len : 0);
	return vector;
}

static bool is_used_up(const struct reader *r)
{
	return reader_ok(r) && !reader_left(r);
}

/* RFC 8701: numbers that only see whether others are ignored. */
static bool is_grease(uint16_t number)
{
	return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

static bool is_printable(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

static bool read_server_name(struct tls_hello *h, struct reader *body)
{
	struct reader list, name;

	/* A server's is empty: it only says that it has looked. */
	if (h->is_server)
		return true;
	list = read_vector(body, 2);
	while (reader_left(&list)) {
		uint8_t kind = reader_u8(&list);

		name = read_vector(&list, 2);
		if (!reader_ok(&list) || !name.len)
			return false;
		if (kind || h->server_name[0] || name.len >= sizeof(h->server_name) ||
		    !is_printable(name.data, name.len))
			continue;
		memcpy(h->server_name, name.data, name.len);
		h->server_name[name.len] = '\0';
	}
	return is_used_up(body);
}

static bool read_alpn(struct tls_hello *h, struct reader *body)
{
	struct reader list = read_vector(body, 2);
	size_t cnt = 0;

	while (reader_left(&list)) {
		struct reader name = read_vector(&list, 1);

		if (!reader_ok(&list) || !name.len)
			return false;
		cnt++;
		if (h->alpn_len + 1 + name.len > sizeof(h->alpn))
			continue;
		h->alpn[h->alpn_len++] = (uint8_t)name.len;
		memcpy(h->alpn + h->alpn_len, name.data, name.len);
		h->alpn_len += name.len;
	}
	return is_used_up(body) && cnt > 0 && (!h->is_server || cnt == 1);
}

static bool read_versions(struct tls_hello *h, struct reader *body)
{
	struct reader list;

	h->version_cnt = 0;
	if (h->is_server) {
		h->versions[h->version_cnt++] = read_u16(body);
		return is_used_up(body);
	}
	list = read_vector(body, 1);
	if (!list.len || list.len % 2)
		return false;
	while (reader_left(&list)) {
		uint16_t version = read_u16(&list);

		if (!is_grease(version) && h->version_cnt < TLS_VERSION_MAX)
			h->versions[h->version_cnt++] = version;
	}
	return is_used_up(body);
}

static bool read_extension(struct tls_hello *h, uint16_t type, struct reader *body)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return read_server_name(h, body);
	case EXTENSION_ALPN:
		return read_alpn(h, body);
	case EXTENSION_VERSIONS:
		return read_versions(h, body);
	case EXTENSION_ENCRYPTED_HELLO:
		h->has_encrypted_hello = !h->is_server;
		return true;
	default:
		return true;
	}
}

/* None of those that are read may come twice: which one would hold? */
static bool is_repeated(uint16_t type, unsigned *seen)
{
	unsigned bit = type == EXTENSION_SERVER_NAME ? 1
		       : type == EXTENSION_ALPN	     ? 2
		       : type == EXTENSION_VERSIONS  ? 4
						     : 0;
	bool again = (*seen & bit) != 0;

	*seen |= bit;
	return again;
}

static bool read_extensions(struct tls_hello *h, struct reader *r)
{
	struct reader list, body;
	unsigned seen = 0;

	/* Before TLS 1.3 there need not be any. */
	if (!reader_left(r))
		return true;
	list = read_vector(r, 2);
	while (reader_left(&list)) {
		uint16_t type = read_u16(&list);

		body = read_vector(&list, 2);
		if (!reader_ok(&list) || is_repeated(type, &seen) ||
		    !read_extension(h, type, &body))
			return false;
	}
	return is_used_up(r);
}

static bool read_client_choices(struct reader *r)
{
	struct reader ciphers = read_vector(r, 2), compressions = read_vector(r, 1);

	return reader_ok(r) && ciphers.len && ciphers.len % 2 == 0 && compressions.len;
}

static bool read_hello(struct tls_hello *h, const uint8_t *data, size_t len)
{
	struct reader r, session;
	const uint8_t *random;
	uint16_t version;

	reader_init(&r, data, len);
	h->version_cnt = h->alpn_len = 0;
	version = read_u16(&r);
	random = reader_bytes(&r, TLS_RANDOM_LEN);
	session = read_vector(&r, 1);
	if (!reader_ok(&r) || version >> 8 != 3 || session.len > SESSION_ID_MAX)
		return false;
	memcpy(h->random, random, TLS_RANDOM_LEN);
	h->versions[h->version_cnt++] = version;
	if (h->is_server) {
		h->cipher = read_u16(&r);
		reader_skip(&r, 1); /* compression */
	} else if (!read_client_choices(&r)) {
		return false;
	}
	return reader_ok(&r) && read_extensions(h, &r);
}

static void forget(struct tls_hello *h)
{
	struct tls_hello kept = *h;

	*h = (struct tls_hello){ .status = kept.status,
				 .limits = kept.limits,
				 .message = kept.message,
				 .record_cnt = kept.record_cnt };
}

/* The message is whole. */
static void take_message(struct tls_hello *h, uint8_t type, size_t len)
{
	h->is_server = type == MESSAGE_SERVER_HELLO;
	if (!read_hello(h, h->message.data + MESSAGE_HEAD_LEN, len)) {
		forget(h);
		end(h, TLS_HELLO_NOT_TLS, "the hello breaks the rules of TLS");
	} else if (h->is_server && memcmp(h->random, retry_random, TLS_RANDOM_LEN) == 0) {
		if (h->retried)
			end(h, TLS_HELLO_NOT_TLS, "the server asks for another hello twice");
		h->retried = true;
		buf_consume(&h->message, MESSAGE_HEAD_LEN + len);
	} else {
		end(h, TLS_HELLO_DONE, NULL);
	}
}

/* Messages at the front of what was gathered. */
static void take_messages(struct tls_hello *h)
{
	while (h->status == TLS_HELLO_MORE && h->message.len >= MESSAGE_HEAD_LEN) {
		const uint8_t *head = h->message.data;
		size_t len = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

		if (head[0] != MESSAGE_CLIENT_HELLO && head[0] != MESSAGE_SERVER_HELLO)
			end(h, TLS_HELLO_ABSENT, "another handshake message comes first");
		else if (h->retried && head[0] != MESSAGE_SERVER_HELLO)
			end(h, TLS_HELLO_NOT_TLS, "a server does not send a client's hello");
		else if (len > h->limits.message_max)
			end(h, TLS_HELLO_ABSENT, "the hello is longer than the limit");
		else if (h->message.len < MESSAGE_HEAD_LEN + len)
			return;
		else
			take_message(h, head[0], len);
	}
}

/* Handshake bytes, no more than are wanted at a time: the limit is that of one message. */
static void take_fragment(struct tls_hello *h, const uint8_t *data, size_t len)
{
	while (len && h->status == TLS_HELLO_MORE) {
		int64_t taken = buf_append_cut(&h->message, data, len);

		if (taken <= 0) {
			end(h, TLS_HELLO_ABSENT, "there is no memory for the hello");
			return;
		}
		data += taken;
		len -= (size_t)taken;
		take_messages(h);
	}
}

/* The five bytes before each record. */
static void take_record_head(struct tls_hello *h)
{
	uint8_t type = h->head[0];
	size_t len = (size_t)h->head[3] << 8 | h->head[4];

	h->record_left = len;
	if (h->head[1] != 3 || h->head[2] > 4 || !len)
		end(h, TLS_HELLO_NOT_TLS, "it does not begin like TLS");
	else if (type == RECORD_ALERT)
		end(h, TLS_HELLO_ABSENT, "an alert comes first");
	else if (type == RECORD_DATA)
		end(h, TLS_HELLO_ABSENT, "it is past the handshake");
	else if (len > RECORD_LEN_MAX)
		end(h, TLS_HELLO_NOT_TLS, "a record is too long");
	else if (type == RECORD_CHANGE_CIPHER && !h->retried)
		end(h, TLS_HELLO_ABSENT, "it is past the hello");
	else if (type == RECORD_CHANGE_CIPHER && (len != 1 || h->message.len))
		end(h, TLS_HELLO_NOT_TLS, "a change of ciphers is out of place");
	else if (++h->record_cnt > h->limits.record_max)
		end(h, TLS_HELLO_ABSENT, "the hello is in more records than the limit");
}

enum tls_hello_status tls_hello_feed(struct tls_hello *h, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len && h->status == TLS_HELLO_MORE) {
		size_t taken;

		if (h->head_len < sizeof(h->head)) {
			h->head[h->head_len++] = *at;
			taken = 1;
			/* Most other protocols are told by the first byte. */
			if (h->head[0] < RECORD_CHANGE_CIPHER || h->head[0] > RECORD_DATA)
				end(h, TLS_HELLO_NOT_TLS, "it does not begin like TLS");
			else if (h->head_len == sizeof(h->head))
				take_record_head(h);
		} else {
			taken = len < h->record_left ? len : h->record_left;
			h->record_left -= taken;
			if (h->head[0] == RECORD_HANDSHAKE)
				take_fragment(h, at, taken);
			if (!h->record_left)
				h->head_len = 0;
		}
		at += taken;
		len -= taken;
	}
	return h->status;
}

enum tls_hello_status tls_hello_gap(struct tls_hello *h)
{
	if (h->status == TLS_HELLO_MORE)
		end(h, TLS_HELLO_ABSENT, "bytes of it are missing");
	return h->status;
}

bool tls_hello_alpn_next(struct str *rest, struct str *ret)
{
	size_t len = rest->len ? (uint8_t)rest->p[0] : 0;

	if (!len || len >= rest->len)
		return false;
	*ret = str_make(rest->p + 1, len);
	*rest = str_make(rest->p + 1 + len, rest->len - 1 - len);
	return true;
}

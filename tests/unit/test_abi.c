// SPDX-License-Identifier: BSD-2-Clause
/* The kernel side's numbers and the model's are written down twice: here they meet. */
#include "model/dir.h"
#include "model/gap.h"
#include "model/target.h"
#include "model/tls_layout.h"
#include "conn_record.h"
#include "records.h"
#include "tap.h"

static void test_gap_causes(void)
{
	INT_EQ(GAP_RING_FULL, REC_GAP_RING_FULL);
	INT_EQ(GAP_UNREADABLE, REC_GAP_UNREADABLE);
	INT_EQ(GAP_TOO_LONG, REC_GAP_TOO_LONG);
	INT_EQ(GAP_NOT_FOLLOWED, REC_GAP_NOT_FOLLOWED);
	C_STR_EQ(gap_cause_name((unsigned)__builtin_ctz(REC_GAP_RING_FULL)), "ring_full");
	C_STR_EQ(gap_cause_name((unsigned)__builtin_ctz(REC_GAP_UNREADABLE)), "unreadable");
	C_STR_EQ(gap_cause_name((unsigned)__builtin_ctz(REC_GAP_TOO_LONG)), "too_long");
	C_STR_EQ(gap_cause_name((unsigned)__builtin_ctz(REC_GAP_NOT_FOLLOWED)), "not_followed");
}

static void test_roles(void)
{
	INT_EQ(PROBE_READ, ROLE_READ);
	INT_EQ(PROBE_WRITE, ROLE_WRITE);
	INT_EQ(PROBE_FREE, ROLE_FREE);
	INT_EQ(PROBE_CLEAR, ROLE_CLEAR);
	INT_EQ(PROBE_SENDFILE, ROLE_SENDFILE);
	INT_EQ(PROBE_SHUTDOWN, ROLE_SHUTDOWN);
}

static void test_places_of_the_length(void)
{
	INT_EQ(PROBE_LEN_NONE, LEN_NONE);
	INT_EQ(PROBE_LEN_RESULT, LEN_RESULT);
	INT_EQ(PROBE_LEN_AT_ARG3, LEN_AT_ARG3);
	INT_EQ(PROBE_LEN_AT_ARG4, LEN_AT_ARG4);
}

static void test_directions(void)
{
	INT_EQ(DIR_SENT, REC_SENT);
	INT_EQ(DIR_RECEIVED, REC_RECEIVED);
	INT_EQ(DIR_CNT, REC_DIR_CNT);
}

static void test_fields_of_a_layout(void)
{
	INT_EQ(TLS_FIELD_RBIO, LAYOUT_RBIO);
	INT_EQ(TLS_FIELD_WBIO, LAYOUT_WBIO);
	INT_EQ(TLS_FIELD_VERSION, LAYOUT_VERSION);
	INT_EQ(TLS_FIELD_IS_SERVER, LAYOUT_IS_SERVER);
	INT_EQ(TLS_FIELD_ALPN, LAYOUT_ALPN);
	INT_EQ(TLS_FIELD_ALPN_LEN, LAYOUT_ALPN_LEN);
	INT_EQ(TLS_FIELD_CIPHER, LAYOUT_CIPHER);
	INT_EQ(TLS_FIELD_SERVER_NAME, LAYOUT_SERVER_NAME);
	INT_EQ(TLS_FIELD_CIPHER_ID, LAYOUT_CIPHER_ID);
	INT_EQ(TLS_FIELD_BIO_TYPE, LAYOUT_BIO_TYPE);
	INT_EQ(TLS_FIELD_BIO_INIT, LAYOUT_BIO_INIT);
	INT_EQ(TLS_FIELD_BIO_NUM, LAYOUT_BIO_NUM);
	INT_EQ(TLS_FIELD_BIO_NEXT, LAYOUT_BIO_NEXT);
	INT_EQ(TLS_FIELD_BIO_DATA, LAYOUT_BIO_DATA);
	INT_EQ(TLS_FIELD_CLIENT_RANDOM, LAYOUT_CLIENT_RANDOM);
	INT_EQ(TLS_FIELD_SERVER_RANDOM, LAYOUT_SERVER_RANDOM);
	INT_EQ(TLS_FIELD_SHUTDOWN, LAYOUT_SHUTDOWN);
	INT_EQ(TLS_FIELD_QUIET_SHUTDOWN, LAYOUT_QUIET_SHUTDOWN);
	INT_EQ(TLS_FIELD_IN_INIT, LAYOUT_IN_INIT);
	INT_EQ(TLS_FIELD_SESSION_NAME, LAYOUT_SESSION_NAME);
	INT_EQ(TLS_SHUTDOWN_SENT, CLOSING_NOTIFY_SENT);
	INT_EQ(TLS_SHUTDOWN_RECEIVED, CLOSING_NOTIFY_RECEIVED);
	INT_EQ(TLS_FIELD_CNT, LAYOUT_FIELD_CNT);
	INT_EQ(TLS_BIO_DESCRIPTOR, LAYOUT_BIO_DESCRIPTOR);
	INT_EQ(TLS_BIO_FILTER, LAYOUT_BIO_FILTER);
	INT_EQ(TLS_BIO_ACCEPT, LAYOUT_BIO_ACCEPT);
	INT_EQ(TLS_BIO_MEM, LAYOUT_BIO_MEM);
	INT_EQ(TLS_BIO_PAIR, LAYOUT_BIO_PAIR);
}

static void test_cookie_round_trip(void)
{
	static const uint32_t targets[] = { 0, 1, 0xff, 0x100, 0x7fffffff, 0x80000000, 0xffffffff };
	bool good = true;

	for (unsigned role = ROLE_READ; role <= ROLE_SHUTDOWN; role++)
		for (unsigned len = LEN_NONE; len <= LEN_AT_ARG4; len++)
			for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
				uint64_t cookie = PROBE_COOKIE(role, len, targets[i]);

				good &= PROBE_COOKIE_ROLE(cookie) == role;
				good &= PROBE_COOKIE_LEN_FROM(cookie) == len;
				good &= PROBE_COOKIE_TARGET(cookie) == targets[i];
			}
	OK_MSG(good, "role, place of the length and target come out as they went in");
}

int main(void)
{
	RUN(test_gap_causes);
	RUN(test_roles);
	RUN(test_places_of_the_length);
	RUN(test_directions);
	RUN(test_fields_of_a_layout);
	RUN(test_cookie_round_trip);
	return tap_done();
}

// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "tap.h"

static struct buf out;
static struct json j;

static void start(void)
{
	buf_done(&out);
	buf_init(&out, 4096);
	json_init(&j, &out);
}

static void check(const char *want)
{
	INT_EQ(json_error(&j), 0);
	BYTES_EQ(out.data, out.len, want, strlen(want));
}

static void test_commas(void)
{
	start();
	json_object_begin(&j);
	json_key(&j, "a");
	json_array_begin(&j);
	json_array_end(&j);
	json_key(&j, "b");
	json_array_begin(&j);
	json_u64(&j, UINT64_MAX);
	json_i64(&j, INT64_MIN);
	json_object_begin(&j);
	json_object_end(&j);
	json_bool(&j, true);
	json_bool(&j, false);
	json_null(&j);
	json_array_end(&j);
	json_key(&j, "c");
	json_c_str(&j, NULL);
	json_object_end(&j);
	check("{\"a\":[],\"b\":[18446744073709551615,-9223372036854775808,{},true,false,null],"
	      "\"c\":null}");
}

static void test_strings(void)
{
	start();
	json_array_begin(&j);
	json_c_str(&j, "a\"b\\c/\n\r\t\x01\x1f\x7f");
	json_c_str(&j, "gr\xc3\xbc\xc3\x9f");
	json_str(&j, STR_LIT("nul\0"));
	json_str(&j, (struct str){ 0 });
	json_array_end(&j);
	check("[\"a\\\"b\\\\c/\\n\\r\\t\\u0001\\u001f\\u007f\",\"gr\xc3\xbc\xc3\x9f\","
	      "\"nul\\u0000\",\"\"]");
}

static void test_not_utf8_is_latin1(void)
{
	start();
	json_array_begin(&j);
	json_str(&j, STR_LIT("caf\xe9 \xc3\xbc"));
	json_latin1(&j, STR_LIT("\xc3\xbc"));
	json_array_end(&j);
	check("[\"caf\\u00e9 \\u00c3\\u00bc\",\"\\u00c3\\u00bc\"]");
}

static void test_base64_and_time(void)
{
	start();
	json_array_begin(&j);
	json_base64(&j, "foob", 4);
	json_time(&j, 0);
	json_time(&j, 1795242660123456789u);
	json_array_end(&j);
	check("[\"Zm9vYg==\",\"1970-01-01T00:00:00.000000000Z\","
	      "\"2026-11-21T06:31:00.123456789Z\"]");
}

/* Against the C library: the first and last moment of every day that 64 bits of ns can say. */
static void test_every_day(void)
{
	const uint64_t day_ns = UINT64_C(86400000000000);
	unsigned bad = 0, cnt = 0;

	for (uint64_t ts = 0; ts < UINT64_MAX - 2 * day_ns; ts += day_ns)
		for (uint64_t at = ts; at <= ts + day_ns - 1; at += day_ns - 1, cnt++) {
			time_t seconds = (time_t)(at / 1000000000u);
			char want[48];
			size_t len;
			struct tm tm;

			gmtime_r(&seconds, &tm);
			len = strftime(want, sizeof(want), "\"%Y-%m-%dT%H:%M:%S", &tm);
			snprintf(want + len, sizeof(want) - len, ".%09uZ\"",
				 (unsigned)(at % 1000000000u));
			start();
			json_time(&j, at);
			bad += out.len != strlen(want) || memcmp(out.data, want, out.len) != 0;
		}
	OK_MSG(!bad && cnt > 400000, "%u moments", cnt);
}

static void test_numbers(void)
{
	start();
	json_array_begin(&j);
	json_u64(&j, 0);
	json_u64(&j, 10);
	json_i64(&j, 0);
	json_i64(&j, -1);
	json_i64(&j, INT64_MAX);
	json_array_end(&j);
	check("[0,10,0,-1,9223372036854775807]");
}

static void test_first_failure_sticks(void)
{
	buf_done(&out);
	buf_init(&out, 8);
	json_init(&j, &out);
	json_c_str(&j, "0123456789");
	INT_EQ(json_error(&j), -ENOBUFS);
	json_null(&j);
	INT_EQ(json_error(&j), -ENOBUFS);
}

int main(void)
{
	RUN(test_commas);
	RUN(test_strings);
	RUN(test_not_utf8_is_latin1);
	RUN(test_base64_and_time);
	RUN(test_every_day);
	RUN(test_numbers);
	RUN(test_first_failure_sticks);
	buf_done(&out);
	return tap_done();
}

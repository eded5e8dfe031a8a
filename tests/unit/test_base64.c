// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "tap.h"

static void check(const char *in, size_t len, const char *want)
{
	void *guarded = guarded_copy(in, len);
	struct buf out;

	buf_init(&out, 100);
	INT_EQ(base64_encode(&out, guarded, len), 0);
	BYTES_EQ(out.data, out.len, want, strlen(want));
	buf_done(&out);
	guarded_free(guarded, len);
}

/* RFC 4648 section 10. */
static void test_vectors(void)
{
	check("", 0, "");
	check("f", 1, "Zg==");
	check("fo", 2, "Zm8=");
	check("foo", 3, "Zm9v");
	check("foob", 4, "Zm9vYg==");
	check("fooba", 5, "Zm9vYmE=");
	check("foobar", 6, "Zm9vYmFy");
	check("\xff\xef\xbe\x00", 4, "/+++AA==");
}

static void test_limit(void)
{
	struct buf out;

	buf_init(&out, 7);
	INT_EQ(base64_encode(&out, "foobar", 6), -ENOBUFS);
	INT_EQ(out.len, 0);
	buf_done(&out);
}

int main(void)
{
	RUN(test_vectors);
	RUN(test_limit);
	return tap_done();
}

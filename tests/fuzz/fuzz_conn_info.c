/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "collect/conn_info_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max)
{
	if (!memchr(text, 0, max))
		abort();
}

static void check_address(const char *text, const struct rec_address *from)
{
	check_text(text, CONN_ADDRESS_MAX);
	if (!from->family != !text[0])
		abort();
}

/* What is taken has an end in each of its texts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rec_conn_info rec = { 0 };
	struct conn_info info;

	memcpy(&rec, data, size < sizeof(rec) ? size : sizeof(rec));
	rec.head.size = sizeof(rec);
	memset(&info, 'x', sizeof(info));
	if (!conn_info_record_read(&rec, &info))
		return 0;
	check_address(info.local, &rec.local);
	check_address(info.remote, &rec.remote);
	check_text(info.version, sizeof(info.version));
	check_text(info.cipher, sizeof(info.cipher));
	check_text(info.sni, sizeof(info.sni));
	check_text(info.alpn, sizeof(info.alpn));
	return 0;
}

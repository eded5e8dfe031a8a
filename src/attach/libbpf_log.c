// SPDX-License-Identifier: BSD-2-Clause
#include "libbpf_log.h"

#include <stdarg.h>

#include <bpf/libbpf.h>

#include "base/log.h"

static int say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_DEBUG)
		log_say_va(LOG_DEBUG, fmt, ap);
	return 0;
}

void libbpf_log_use(void)
{
	libbpf_set_print(say);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAINTAP_ATTACH_LIBBPF_LOG_H
#define PLAINTAP_ATTACH_LIBBPF_LOG_H

/* What libbpf says goes to the log from now on, for debugging, and not to stderr. */
void libbpf_log_use(void);

#endif

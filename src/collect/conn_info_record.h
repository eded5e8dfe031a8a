/* SPDX-License-Identifier: BSD-2-Clause */
/* From the kernel side's description of a connection to words. */
#ifndef PLAINTAP_COLLECT_CONN_INFO_RECORD_H
#define PLAINTAP_COLLECT_CONN_INFO_RECORD_H

#include <stdbool.h>

#include "conn_record.h"
#include "model/conn_info.h"

/* Sets all of *ret but ts_ns. False: the record breaks the ABI; *ret is not set then. */
bool conn_info_record_read(const struct rec_conn_info *r, struct conn_info *ret);

#endif

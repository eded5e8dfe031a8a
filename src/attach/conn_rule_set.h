/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills the kernel side's rules about connections (abi/conn_filter.h). */
#ifndef PLAINTAP_ATTACH_CONN_RULE_SET_H
#define PLAINTAP_ATTACH_CONN_RULE_SET_H

#include <stdbool.h>
#include <stdint.h>

/* abi/conn_filter.h */
#include "conn_filter.h"

struct cidr;

/* Zeroed rules let everything in. -ENOSPC: there are CONN_RULE_MAX of that kind. */
int conn_rules_add_port(struct conn_rules *rules, uint16_t port, enum conn_wish wish);
int conn_rules_add_host(struct conn_rules *rules, const struct cidr *net, enum conn_wish wish);
bool conn_rules_is_empty(const struct conn_rules *rules);

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Asks the rules of abi/conn_filter.h about a connection. */
#ifndef PLAINTAP_BPF_CONN_FILTER_H
#define PLAINTAP_BPF_CONN_FILTER_H

#include "conn_filter.h"
#include "conn_record.h"
#include "kernel_net.bpf.h"

/* Set by user space before loading: where it is false no connection is ever asked for. */
const volatile bool has_conn_rules = false;

/* One value, filled by user space before the start. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct conn_rules);
} conn_rules SEC(".maps");

static __always_inline u32 host_wish(const struct conn_rules *rules, const struct rec_address *end)
{
	const u32 *words = (const u32 *)end->bytes;

	if (end->family == AF_INET_)
		return conn_rules_of_host(rules, 0, 0, __builtin_bswap32(0xffff), words[0]);
	return conn_rules_of_host(rules, words[0], words[1], words[2], words[3]);
}

/* Without addresses, or of a kind that has no ports, a connection meets no wish. */
static __noinline int conn_is_let_in(const struct rec_conn_info *info)
{
	u32 zero = 0, ports = 0, hosts = 0;
	struct conn_rules *rules = bpf_map_lookup_elem(&conn_rules, &zero);

	if (!info || !rules)
		return 1;
	if (info->local.family == AF_INET_ || info->local.family == AF_INET6_) {
		ports = conn_rules_of_ports(rules, info->local.port, info->remote.port);
		hosts = host_wish(rules, &info->local) | host_wish(rules, &info->remote);
	}
	return conn_rules_verdict(rules, ports, hosts);
}

#endif

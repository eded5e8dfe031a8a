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

static __always_inline struct conn_rules *conn_rules_get(void)
{
	u32 zero = 0;

	return has_conn_rules ? bpf_map_lookup_elem(&conn_rules, &zero) : NULL;
}

/*
 * What the rules say of two ports, and of an address in words as in struct host_rule. Global
 * functions, and so with numbers only: the verifier looks at them once and not at every call.
 */
__noinline u32 conn_port_wish(u32 a, u32 b)
{
	struct conn_rules *rules = conn_rules_get();

	return rules ? conn_rules_of_ports(rules, a, b) : 0;
}

__noinline u32 conn_host_wish(u32 a, u32 b, u32 c, u32 d)
{
	struct conn_rules *rules = conn_rules_get();

	return rules ? conn_rules_of_host(rules, a, b, c, d) : 0;
}

static __always_inline u32 host_wish(const struct rec_address *end)
{
	const u32 *words = (const u32 *)end->bytes;

	if (end->family == AF_INET_)
		return conn_host_wish(0, 0, __builtin_bswap32(0xffff), words[0]);
	return conn_host_wish(words[0], words[1], words[2], words[3]);
}

/* Without addresses, or of a kind that has no ports, a connection meets no wish. */
static __noinline int conn_is_let_in(const struct rec_conn_info *info)
{
	struct conn_rules *rules = conn_rules_get();
	u32 ports = 0, hosts = 0;

	if (!info || !rules)
		return 1;
	if (info->local.family == AF_INET_ || info->local.family == AF_INET6_) {
		ports = conn_port_wish(info->local.port, info->remote.port);
		hosts = host_wish(&info->local) | host_wish(&info->remote);
	}
	return conn_rules_verdict(rules, ports, hosts);
}

#endif

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

static __always_inline void end_take(const struct rec_address *from, u32 *ret_port, u32 ret[4])
{
	const u32 *words = (const u32 *)from->bytes;

	*ret_port = from->port;
	if (from->family == AF_INET_) {
		ret[0] = ret[1] = 0;
		ret[2] = __builtin_bswap32(0xffff);
		ret[3] = words[0];
		return;
	}
	for (int i = 0; i < 4; i++)
		ret[i] = words[i];
}

/* Both ends are of the same family, or not known. */
static __noinline int conn_is_let_in(const struct rec_conn_info *info)
{
	struct conn_ends ends = {};
	struct conn_rules *rules;
	u32 zero = 0;

	rules = bpf_map_lookup_elem(&conn_rules, &zero);
	if (!info || !rules)
		return 1;
	if (info->local.family != AF_INET_ && info->local.family != AF_INET6_)
		return conn_rules_let_in(rules, NULL);
	end_take(&info->local, &ends.ports[0], ends.addresses[0]);
	end_take(&info->remote, &ends.ports[1], ends.addresses[1]);
	return conn_rules_let_in(rules, &ends);
}

#endif

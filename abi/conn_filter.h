/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which connections are wanted, by the two ends of their sockets. Of one kind of rule any will do,
 * at either end; both kinds must agree; one refusal keeps out. The rules of records.h hold.
 */
#ifndef PLAINTAP_ABI_CONN_FILTER_H
#define PLAINTAP_ABI_CONN_FILTER_H

#include <linux/types.h>

enum conn_wish { CONN_WANTED = 1 << 0, CONN_REFUSED = 1 << 1 };

enum { CONN_RULE_MAX = 32 }; /* of each kind */

struct port_rule {
	__u32 port;
	__u32 wish; /* enum conn_wish */
};

/* Network byte order; IPv4 as ::ffff:a.b.c.d. */
struct host_rule {
	__u32 address[4]; /* all bits that are not in the mask are 0 */
	__u32 mask[4];
	__u32 wish; /* enum conn_wish */
};

/* Only value of the array map `conn_rules`. Filled by user space before the start. */
struct conn_rules {
	__u32 port_cnt;
	__u32 host_cnt;
	__u32 wanted_ports; /* 1: some port rule says CONN_WANTED */
	__u32 wanted_hosts;
	struct port_rule ports[CONN_RULE_MAX];
	struct host_rule hosts[CONN_RULE_MAX];
};

/* What is compared with them. */
struct conn_ends {
	__u32 ports[2];
	__u32 addresses[2][4]; /* as in struct host_rule */
};

#define CONN_RULES_INLINE static inline __attribute__((always_inline))

/* 0 if a is 0, else all ones; without a branch, so that the verifier has one way to walk. */
CONN_RULES_INLINE __u32 conn_rules_any(__u32 a)
{
	return (__u32)((__s64)(-(__s64)a) >> 63);
}

CONN_RULES_INLINE __u32 port_rule_wish(const struct port_rule *r, const struct conn_ends *ends)
{
	__u32 other = conn_rules_any(ends->ports[0] ^ r->port) &
		      conn_rules_any(ends->ports[1] ^ r->port);

	return r->wish & ~other;
}

CONN_RULES_INLINE __u32 host_rule_differs(const struct host_rule *r, const __u32 address[4])
{
	return ((address[0] & r->mask[0]) ^ r->address[0]) |
	       ((address[1] & r->mask[1]) ^ r->address[1]) |
	       ((address[2] & r->mask[2]) ^ r->address[2]) |
	       ((address[3] & r->mask[3]) ^ r->address[3]);
}

CONN_RULES_INLINE __u32 host_rule_wish(const struct host_rule *r, const struct conn_ends *ends)
{
	__u32 other = conn_rules_any(host_rule_differs(r, ends->addresses[0])) &
		      conn_rules_any(host_rule_differs(r, ends->addresses[1]));

	return r->wish & ~other;
}

/* `ends`: NULL when they are not known, or of a kind without ports and addresses. */
CONN_RULES_INLINE int conn_rules_let_in(const struct conn_rules *rules,
					const struct conn_ends *ends)
{
	__u32 ports = 0, hosts = 0;

	if (!ends)
		return !rules->wanted_ports && !rules->wanted_hosts;
	for (__u32 i = 0; i < CONN_RULE_MAX && i < rules->port_cnt; i++)
		ports |= port_rule_wish(&rules->ports[i], ends);
	for (__u32 i = 0; i < CONN_RULE_MAX && i < rules->host_cnt; i++)
		hosts |= host_rule_wish(&rules->hosts[i], ends);
	if ((ports | hosts) & CONN_REFUSED)
		return 0;
	return (!rules->wanted_ports || (ports & CONN_WANTED)) &&
	       (!rules->wanted_hosts || (hosts & CONN_WANTED));
}

_Static_assert(sizeof(struct conn_rules) == 16 + 32 * 8 + 32 * 36, "layout");

#endif

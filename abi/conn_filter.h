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

/* Those that are not in use have no wish. */
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

#define CONN_RULES_INLINE static inline __attribute__((always_inline))

/* 0 if a is 0, else all ones; without a branch, so that the verifier has one way to walk. */
CONN_RULES_INLINE __u32 conn_rules_any(__u32 a)
{
	return (__u32)((__s64)(-(__s64)a) >> 63);
}

/* All rules, used or not: up to a number from a map older verifiers would walk past the end. */
CONN_RULES_INLINE __u32 conn_rules_of_ports(const struct conn_rules *rules, __u32 a, __u32 b)
{
	__u32 wish = 0;

	for (__u32 i = 0; i < CONN_RULE_MAX; i++)
		wish |= rules->ports[i].wish & ~(conn_rules_any(a ^ rules->ports[i].port) &
						 conn_rules_any(b ^ rules->ports[i].port));
	return wish;
}

/* The words of an address as in struct host_rule: in registers, as the stack is short. */
CONN_RULES_INLINE __u32 conn_rules_of_host(const struct conn_rules *rules, __u32 a, __u32 b,
					   __u32 c, __u32 d)
{
	__u32 wish = 0;

	for (__u32 i = 0; i < CONN_RULE_MAX; i++) {
		const struct host_rule *r = &rules->hosts[i];
		__u32 differs = ((a & r->mask[0]) ^ r->address[0]) |
				((b & r->mask[1]) ^ r->address[1]) |
				((c & r->mask[2]) ^ r->address[2]) |
				((d & r->mask[3]) ^ r->address[3]);

		wish |= r->wish & ~conn_rules_any(differs);
	}
	return wish;
}

CONN_RULES_INLINE int conn_rules_verdict(const struct conn_rules *rules, __u32 ports, __u32 hosts)
{
	if ((ports | hosts) & CONN_REFUSED)
		return 0;
	return (!rules->wanted_ports || (ports & CONN_WANTED)) &&
	       (!rules->wanted_hosts || (hosts & CONN_WANTED));
}

_Static_assert(sizeof(struct conn_rules) == 16 + 32 * 8 + 32 * 36, "layout");

#endif

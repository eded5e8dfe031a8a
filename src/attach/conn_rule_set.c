// SPDX-License-Identifier: BSD-2-Clause
#include "conn_rule_set.h"

#include <errno.h>
#include <string.h>

#include "base/cidr.h"

int conn_rules_add_port(struct conn_rules *rules, uint16_t port, enum conn_wish wish)
{
	if (rules->port_cnt == CONN_RULE_MAX)
		return -ENOSPC;
	rules->ports[rules->port_cnt++] = (struct port_rule){ .port = port, .wish = wish };
	if (wish == CONN_WANTED)
		rules->wanted_ports = 1;
	return 0;
}

int conn_rules_add_host(struct conn_rules *rules, const struct cidr *net, enum conn_wish wish)
{
	struct host_rule rule = { .wish = wish };
	uint8_t *mask = (uint8_t *)rule.mask;

	if (rules->host_cnt == CONN_RULE_MAX)
		return -ENOSPC;
	memcpy(rule.address, net->address, sizeof(rule.address));
	for (unsigned bit = 0; bit < net->bit_cnt; bit++)
		mask[bit / 8] |= 0x80 >> bit % 8;
	rules->hosts[rules->host_cnt++] = rule;
	if (wish == CONN_WANTED)
		rules->wanted_hosts = 1;
	return 0;
}

bool conn_rules_is_empty(const struct conn_rules *rules)
{
	return !rules->port_cnt && !rules->host_cnt;
}

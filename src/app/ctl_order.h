/* SPDX-License-Identifier: BSD-2-Clause */
/* What a line on the control socket asks for. Pure: the line may be anything. */
#ifndef PLAINTAP_APP_CTL_ORDER_H
#define PLAINTAP_APP_CTL_ORDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

enum ctl_verb { CTL_STATUS, CTL_ADD_PID, CTL_REMOVE_PID };

struct ctl_order {
	enum ctl_verb verb;
	bool json; /* CTL_STATUS: "status json" */
	pid_t pid; /* CTL_ADD_PID, CTL_REMOVE_PID */
};

/* `line` has no line feed. -EINVAL with a sentence that names the bad word. */
int ctl_order_parse(struct str line, struct ctl_order *ret, struct error *ret_error);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "registry.h"

#include "http1.h"
#include "opaque.h"

const struct proto_ops *const proto_registry[] = {
	&proto_http1,
	&proto_opaque,
};
const size_t proto_registry_cnt = sizeof(proto_registry) / sizeof(*proto_registry);

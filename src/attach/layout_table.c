// SPDX-License-Identifier: BSD-2-Clause
#include "layout_table.h"

#include <stdint.h>

#include <bpf/bpf.h>

#include "model/target.h"

_Static_assert((int)LAYOUT_FIELD_CNT == (int)TLS_FIELD_CNT, "the same fields");
_Static_assert((int)LAYOUT_STEP_MAX == (int)TLS_PLACE_STEP_MAX, "the same steps");

void layout_table_convert(const struct tls_layout *from, struct conn_layout *ret)
{
	*ret = (struct conn_layout){
		.type_value = from->type_value,
		.type_offset = from->type_offset,
		.has_type = from->has_type,
	};
	for (int i = 0; i < LAYOUT_FIELD_CNT; i++) {
		ret->places[i].step_cnt = from->places[i].step_cnt;
		ret->places[i].len = from->places[i].len;
		for (int k = 0; k < LAYOUT_STEP_MAX; k++)
			ret->places[i].steps[k] = from->places[i].steps[k];
	}
}

int layout_table_put(int map_fd, const struct target *t, bool has_cookie, bool is_only)
{
	uint32_t key = has_cookie ? t->id : 0;
	struct conn_layout layout;

	layout_table_convert(&t->layout, &layout);
	if (!has_cookie && !is_only)
		layout = (struct conn_layout){ 0 };
	return bpf_map_update_elem(map_fd, &key, &layout, BPF_ANY);
}
